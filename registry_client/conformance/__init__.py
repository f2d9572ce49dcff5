"""The conformance suite: tests of annex H, what they require, what was exchanged, and reports that can be signed.

This room has what both directions share, and the tests of a hub. It knows the published interface and nothing of the
inside of any hub.
"""
