# SPDX-License-Identifier: Apache-2.0
"""How the documentation's site is built: ``make docs``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

DOCS = Path(__file__).parent
# The API pages import the package, and Airflow writes a configuration file wherever its home is.
os.environ["AIRFLOW_HOME"] = str(DOCS / "_build" / "airflow")
sys.path.insert(0, str(DOCS / "_ext"))

from airflow_provider_videoai import __version__  # noqa: E402 - after Airflow's home is set

project = "airflow-provider-videoai"
author = "The airflow-provider-videoai developers"
copyright = author  # noqa: A001 - Sphinx's own name
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    # docs/_ext
    "api_pages",
    "navigation",
    "offline",
    "references",
    "repository_files",
]
root_doc = "index"
exclude_patterns = ["_build"]
nitpicky = True
# Beside local servers what stands for the repository until it has an address: scripts/release_check.py refuses that.
linkcheck_ignore = [r"http://(127\.0\.0\.1|localhost)", r"https://example\.org/"]

# -- Markdown -------------------------------------------------------------------------------------------------

myst_heading_anchors = 4  # made as code hosts make them, so that one link serves both

# -- API ------------------------------------------------------------------------------------------------------

add_module_names = False
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # an overriding method's contract is Airflow's, which has its own documentation
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

# -- HTML -----------------------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_context = {"default_mode": "auto"}
html_title = "Video AI for Apache Airflow"
html_favicon = "integration-logos/video-ai.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {
        "image_light": "integration-logos/video-ai.svg",
        "image_dark": "integration-logos/video-ai.svg",
        "text": "Video AI for Airflow",
        "alt_text": "",
    },
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}

copybutton_exclude = ".linenos, .gp, .go"
