"""Rings for a Swift with one device: swift_rings.py PLACE DEVICE PORT..."""

import pathlib
import sys

from swift.common.ring import RingBuilder  # type: ignore[import-not-found]


def main(place: str, device: str, *ports: str) -> None:
    """Write the rings of accounts, containers and objects, in this order."""
    kinds = ('account', 'container', 'object')
    for kind, port in zip(kinds, ports, strict=True):
        builder = RingBuilder(part_power=1, replicas=1, min_part_hours=0)
        address = {'ip': '127.0.0.1', 'port': int(port)}
        place_ = {'region': 1, 'zone': 1, 'weight': 1, 'device': device}
        builder.add_dev({**address, **place_})
        builder.rebalance(seed=1)
        ring = pathlib.Path(place) / f'{kind}.ring.gz'
        builder.get_ring().save(str(ring))


if __name__ == '__main__':
    main(*sys.argv[1:])
