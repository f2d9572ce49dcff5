"""The worker: judges what the door accepted, carries completions into the ledger, and rings the clean-up's timers."""
