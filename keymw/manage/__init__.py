"""keymw-manage: the commands of an operator, one file per noun."""
