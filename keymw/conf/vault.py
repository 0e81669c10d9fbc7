"""[vault]: the keys that seal the secrets in the store."""

from oslo_config import cfg

GROUP = 'vault'
OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'key_repository',
        default='/etc/keymw/vault-keys/',
        help='Directory of the sealing keys, made by "keymw-manage vault '
        'setup". Only the user that runs keymw may write there; its group '
        'may read, other users may not. The directory and its parents must '
        'belong to this user or to root, and no other user may write to a '
        'parent unless it is sticky. All nodes need the same keys. Without '
        'them no stored key can be read again: back them up, away from the '
        'database.',
    ),
]
