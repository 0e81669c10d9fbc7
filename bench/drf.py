"""A key of Django REST framework API Key, in a SQLite file of its own."""

from collections.abc import Callable
import pathlib


def checking(file: pathlib.Path) -> Callable[[], object]:
    """Return a check of one right key, as a view's permission does it."""
    import django
    from django.conf import settings
    from django.core import management

    database = {'ENGINE': 'django.db.backends.sqlite3', 'NAME': str(file)}
    settings.configure(
        DATABASES={'default': database},
        INSTALLED_APPS=['rest_framework', 'rest_framework_api_key'],
        DEFAULT_AUTO_FIELD='django.db.models.AutoField',
        USE_TZ=True,
    )
    django.setup()
    management.call_command('migrate', verbosity=0)
    from rest_framework_api_key.models import APIKey

    _, key = APIKey.objects.create_key(name='bench')
    return lambda: APIKey.objects.is_valid(key)
