"""Exports and imports of Firestore's documents, as `gcloud firestore export` and `import` make them.

An import overwrites the documents of the export. It keeps all documents that were created since.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from google.cloud import firestore

Documents = Mapping[str, dict[str, Any]]


def exported(client: firestore.Client) -> Documents:
    """Return all documents by their paths."""
    return {one.reference.path: one.to_dict() or {} for one in _below(client.collections())}


def imported(client: firestore.Client, documents: Documents) -> None:
    for path, fields in documents.items():
        client.document(path).set(fields)


def _below(
    collections: Iterator[firestore.CollectionReference],
) -> Iterator[firestore.DocumentSnapshot[Any]]:
    for collection in collections:
        for document in collection.list_documents():
            snapshot = document.get()
            if snapshot.exists:
                yield snapshot
            yield from _below(document.collections())
