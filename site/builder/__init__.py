"""The site's press: published documents in, a static site out.

Not a package of the project and never imported as `site.builder` (`site` is a module of the
standard library): the scripts beside this folder run with it on their path.
"""
