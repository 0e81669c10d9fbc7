"""keymw-manage: the commands for operators, one file per noun."""
