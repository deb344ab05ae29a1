"""The contract between a learning rule and the emulator."""
