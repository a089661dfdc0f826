"""From snapshot files to the version being served: verify, gates, load, read back, flip.

verify      files      = what the signed manifest says
gates       manifest   looks like a city, and like the version served now
load        bytes      -> keys of a version nobody reads yet
read_back   keys       = files, byte for byte
pointers    current    -> the new version, in one script; back again in another
prune       old ones   -> gone, in slices
"""
