"""The tests of a registry: the tester plays the log. Groups and numbers of annex H; from 400 on, of this suite."""
