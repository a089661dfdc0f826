"""Lake and ledger export → signed snapshot files; the same inputs give the same bytes.

    inputs      what goes in, checked hash by hash; the snapshot's id is their digest
    citizens    enrolled people, numbered in the order of the snapshot
    corrections rows that a later file replaced
    gather      job per group of lake buckets: enrolled people's records, spilled by snapshot part
    points → caps → totals → commands
                pure steps of the job per snapshot part (`part`): points, caps, scores, RESP
    documents   what the API and the site serve as it is
    snapshot    `build`: runs the jobs, signs the manifest, renames the folder when it is whole

Jobs are module-level functions of one picklable argument that read and write files of the work
folder and may be run twice: any `concurrent.futures.Executor` will do, on one machine or many
(`cluster`: the workers of a Dask scheduler).
"""

from scoring.build.inputs import BuildKeys
from scoring.build.snapshot import build

__all__ = ["BuildKeys", "build"]
