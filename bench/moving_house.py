"""A million keys brought in: time, the importer's memory, and a look-up.

python bench/moving_house.py [NUMBER] [DATABASE_URL]
"""

import pathlib
import resource
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from keymw import conf
from keymw.storage.sql.credentials import SqlCredentials
from tests import manage
from tests.deployment import Deployment


def write(file: pathlib.Path, number: int) -> None:
    """A CSV of so many users."""
    with file.open('w') as out:
        out.write('user_id,username,apiKey\n')
        for n in range(number):
            out.write(f'{n:032x},user-{n},{n:032x}\n')


def look_up(made: Deployment, user_id: str) -> float:
    """Milliseconds of one look-up, the median of many."""
    store = SqlCredentials(conf.load(str(made.conf_file)))
    times = []
    for _ in range(200):
        start = time.perf_counter()
        store.get(user_id)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def bring_in(made: Deployment, file: pathlib.Path) -> tuple[float, float]:
    """Seconds of the command, and MiB of its memory at the most."""
    start = time.perf_counter()
    running = manage.spawn(made.conf_file, 'credential', 'import', str(file))
    done = manage.finish(running, 3600)
    if done.code:
        sys.exit(done.err)
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return time.perf_counter() - start, most


def main(number: int = 1_000_000, url: str = '') -> None:
    """Import a tenth, then all, and say what each cost."""
    with tempfile.TemporaryDirectory() as home:
        made = Deployment(
            pathlib.Path(home),
            {'database': {'connection': url}} if url else {},
        )
        made.set_up()
        for count in (number // 10, number):
            write(made.home / 'keys.csv', count)
            before = look_up(made, f'{count // 2:032x}')
            seconds, memory = bring_in(made, made.home / 'keys.csv')
            after = look_up(made, f'{count // 2:032x}')
            print(
                f'{count} keys: {seconds:.0f} s, at most {memory:.0f} MiB, '
                f'a look-up {before:.2f} ms before and {after:.2f} ms after'
            )


if __name__ == '__main__':
    main(*[int(n) for n in sys.argv[1:2]], *sys.argv[2:3])
