"""The rules that a supplementary log judges (7xxx), a function each."""
