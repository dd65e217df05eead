"""The checks detect each property's loss in a copy of the configuration, which proves that they can fail."""

import shutil
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.offline.terraform import Terraform
from tests.infra import mutations, mutations_of_data, mutations_of_messaging, properties
from tests.infra.conftest import Deploy
from tests.infra.deployed import Deployment, deploy
from tests.infra.mutation import Mutation, grouped

Broken = Callable[[int], Deployment]
MUTATIONS = (*mutations.MUTATIONS, *mutations_of_data.MUTATIONS, *mutations_of_messaging.MUTATIONS)
GROUPS = grouped(MUTATIONS)


@pytest.fixture(scope="module")
def broken(
    terraform: Terraform, configuration: Path, bundles: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broken]:
    """What Terraform makes of a group of mutations. All are begun at once, as many together as there are
    processors.
    """
    folder = tmp_path_factory.mktemp("mutations")

    def run(number: int) -> Deployment:
        copy = folder / str(number)
        shutil.copytree(configuration, copy)
        for mutation in GROUPS[number]:
            file = copy / mutation.file
            text = file.read_text()
            assert mutation.was in text, f"{mutation.file} has nothing to break any more: {mutation.title}"
            file.write_text(text.replace(mutation.was, mutation.becomes))
        return deploy(terraform, copy, GROUPS[number][0].environment, bundles, milli_cpu_quota=80000)

    with ThreadPoolExecutor(max_workers=2) as pool:
        made = [pool.submit(run, number) for number in range(len(GROUPS))]
        yield lambda number: made[number].result()
        for future in made:
            future.cancel()


@pytest.mark.parametrize(
    ("number", "mutation"),
    [(number, mutation) for number, group in enumerate(GROUPS) for mutation in group],
    ids=lambda one: one.title if isinstance(one, Mutation) else str(one),
)
def test_a_broken_property_is_noticed(broken: Broken, number: int, mutation: Mutation) -> None:
    deployment = broken(number)
    with pytest.raises(AssertionError):
        mutation.noticed_by(deployment)


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_a_mutation_loses_no_other_property_than_it_says(broken: Broken, number: int) -> None:
    """In a group, only the mutation that names a property loses it."""
    lost = set[properties.Property]().union(*(mutation.loses for mutation in GROUPS[number]))
    for holds in properties.EVERYWHERE:
        if holds not in lost:
            holds(broken(number))


def test_a_bundle_that_lacks_a_module_is_noticed(deployed: Deploy, tmp_path: Path) -> None:
    deployment = deployed("prod")
    (bundle,) = [one for one in deployment.of("google_storage_bucket_object") if one.key == "api"]
    poorer = tmp_path / "api.zip"
    with zipfile.ZipFile(bundle.values["source"]) as whole, zipfile.ZipFile(poorer, "w") as less:
        for name in whole.namelist():
            if name != "shared/web/auth.py":
                less.writestr(name, whole.read(name))
    others = [one for one in deployment.resources if one is not bundle]
    replaced = Deployment(
        [*others, type(bundle)(bundle.address, bundle.kind, "api", {**bundle.values, "source": str(poorer)})],
        deployment.outputs,
    )
    with pytest.raises(AssertionError, match="auth"):
        properties.bundles_are_whole(replaced)


def test_every_property_is_broken_at_least_once() -> None:
    broken = {mutation.noticed_by for mutation in MUTATIONS} | {properties.bundles_are_whole}
    assert broken == {*properties.EVERYWHERE, *properties.ONCE}
