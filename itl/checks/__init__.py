"""The rule engine: a catalogue of numbered checks (data), one function per code, the judgements that ask them."""
