"""The open International Transaction Log: the message hub between the emission registries of the Kyoto Protocol."""

__version__ = "0.1.0"
