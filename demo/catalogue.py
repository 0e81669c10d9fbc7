"""Adds the services of the stub to the catalogue of Keystone."""

from admin import Keystone
import stub

INTERFACES = ('admin', 'internal', 'public')


def complete(keystone: Keystone, url: str) -> None:
    """Make or update the stub's services in the catalogue, at this URL."""
    for type_, (name, path) in stub.SERVICES.items():
        wanted = {'type': type_, 'name': name}
        service = keystone.find_or_make('service', wanted)
        endpoints(keystone, service, url + path)


def endpoints(keystone: Keystone, service: str, url: str) -> None:
    """Make or update one endpoint of a service for each interface."""
    known = keystone.find('endpoint', service_id=service)
    by_interface = {one['interface']: one for one in known}
    for interface in INTERFACES:
        endpoint = {
            'service_id': service,
            'interface': interface,
            'region_id': 'RegionOne',
            'url': url,
        }
        former = by_interface.get(interface, {})
        if endpoint.items() <= former.items():
            continue
        path = f'/{former["id"]}' if former else ''
        keystone.ask(
            'PATCH' if former else 'POST',
            f'/v3/endpoints{path}',
            {'endpoint': endpoint},
        )
