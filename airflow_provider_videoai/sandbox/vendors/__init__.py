# SPDX-License-Identifier: Apache-2.0
"""What is needed of each vendor before its server is loaded, one module per vendor; a file here is a vendor.

``LOGIN`` and ``PASSWORD`` are fixed and obviously fake: they open nothing but a sandbox. ``EXTRA`` (optional) is what
the connection to the sandbox needs in its extra. ``SHAPES`` (optional) are its response shapes, if the vendor's
documents describe more than one; the first is the default. The server itself is ``SERVICE`` of the module or package
``airflow_provider_videoai.sandbox.<vendor>``. These modules import nothing: a connection needs no extra packages.
"""
