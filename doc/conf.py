"""How Sphinx builds the documentation: make docs."""

from importlib import metadata
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / 'ext'))

project = 'keymw'
copyright = 'the authors of keymw'
release = metadata.version('keymw')
# Without the commit that setuptools_scm appends between two tags.
version = release.partition('+')[0]
# "--option" in the text of a command is no dash.
smartquotes = False

extensions = [
    'cliff.sphinxext',
    'links',
    'myst_parser',
    'openapi_reference',
    'openstackdocstheme',
    'oslo_config.sphinxext',
    'oslo_policy.sphinxext',
    'oslo_policy.sphinxpolicygen',
    'reno.sphinxext',
    'sphinx.ext.graphviz',
]
exclude_patterns = ['ext', 'static', 'templates']
templates_path = ['templates']
html_static_path = ['static']

# Level-three headings have anchors, for links between pages.
myst_heading_anchors = 3
# A link to a file is no reference to an option.
myst_ref_domains = ['std']
myst_enable_extensions = ['deflist']

policy_generator_config_file = [('policy-generator.conf', 'static/keymw')]
graphviz_output_format = 'svg'

html_theme = 'openstackdocs'
html_theme_options = {
    'analytics_tracking_code': '',
    'display_badge': False,
    'root_title': 'keymw',
}
html_css_files = ['keymw.css']
html_copy_source = False
openstackdocs_auto_name = False
openstackdocs_auto_version = False
