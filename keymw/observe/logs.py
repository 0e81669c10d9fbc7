"""Set-up of logging by the options of oslo.log, in keymw's own processes."""

import logging

from oslo_config import cfg
from oslo_log import log

from keymw import conf as configuration
from keymw.conf import ConfigError

LOG = logging.getLogger(__name__)


def start(conf: cfg.ConfigOpts, *, is_guest: bool) -> None:
    """Set up logging by keymw.conf; a guest only logs the ignored options.

    is_guest: the process belongs to a service, which sets up its own logging.
    Without any option of oslo.log, existing handlers stay as they are.

    :raises ConfigError: an option is not valid.
    """
    options = configuration.log_options(conf)
    if not is_guest:
        if options or not logging.getLogger().handlers:
            set_up(read(conf.config_file))
    elif options:
        LOG.info(
            '[DEFAULT] %s: for keymw-manage alone; the service behind keymw '
            'says where this process logs',
            ', '.join(options),
        )


def read(config_files: list[str]) -> cfg.ConfigOpts:
    """The options of oslo.log in these files."""
    # oslo.log registers options that must come before the files are read.
    found = cfg.ConfigOpts()
    log.register_options(found)
    found(
        args=[],
        default_config_files=config_files,
        default_config_dirs=[],
        use_env=False,
    )
    return found


def set_up(options: cfg.ConfigOpts) -> None:
    """Set up logging by these options; replaces existing handlers.

    :raises ConfigError: an option is not valid.
    """
    try:
        log.setup(options, 'keymw')
    except Exception as error:  # oslo.log has no common exception
        name = 'log_config_append' if options.log_config_append else 'log_file'
        raise ConfigError(f'[DEFAULT] {name}: {error}') from None
