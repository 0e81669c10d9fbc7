"""The backend "keymw" of oslo.middleware's health check."""

from oslo_middleware.healthcheck import pluginbase

from keymw import readiness
from keymw.observe import health


class Backend(pluginbase.HealthcheckBaseExtension):
    """Checks the filters of this process.

    The options keymw_config_file and keymw_deadline of its paste section are
    config_file and deadline of egg:keymw#health.
    """

    def healthcheck(self, server_port: int) -> pluginbase.HealthcheckResult:
        """The result, with the name of each check that failed."""
        del server_port
        results = readiness.run(
            float(self.conf.get('keymw_deadline', readiness.DEADLINE)),
            self.conf.get('keymw_config_file'),
        )
        wrong = [
            f'{name}: {result}'
            for name, result in sorted(results.items())
            if result != health.OK
        ]
        said = '; '.join(f'{n}: {r}' for n, r in sorted(results.items()))
        is_ready = health.is_ready(results)
        return pluginbase.HealthcheckResult(
            available=is_ready,
            reason='OK' if is_ready else f'keymw: {"; ".join(wrong)}',
            details=said,
        )
