"""The tests of a hub: the tester plays registries. Groups and numbers of annex H; from 400 on, of this suite."""
