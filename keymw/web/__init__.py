"""HTTP without the subject of keymw."""
