"""The tables on offer, by name alone."""

import json

import pytest

from shared.domain.catalog import (
    BASE_TABLES,
    Catalog,
    CatalogEntry,
    TableNotOffered,
    load_catalog,
    table_name,
)
from shared.domain.organizations import is_organization_id, may_share_topics


def test_names_are_matched_without_case_and_kept_in_lower_case() -> None:
    assert table_name("BASE.Assets.erc20_Token_Transfers") == "base.assets.erc20_token_transfers"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "erc20_token_transfers",
        "assets.erc20_token_transfers",
        "base.assets.erc20.transfers",
        "base..transfers",
        "base.assets.20_transfers",
        'base.assets."transfers"',
        "base.assets.transfers; DROP TABLE jobs",
        "base.assets.transfers--",
        "base.assets.transfers/**/",
        "base.assets.tränsfers",
        "base.assets.transfers\n",
        " base.assets.transfers",
        "base.assets.transfers\x00",
        "base.assets.*",
        "base.assets." + "t" * 256,
    ],
)
def test_what_is_not_three_plain_identifiers_is_no_table(text: str) -> None:
    with pytest.raises(ValueError, match=r"catalog\.schema\.table"):
        table_name(text)


def test_base_tables_are_on_offer_and_assets_have_a_key() -> None:
    assert load_catalog("") is BASE_TABLES
    assert BASE_TABLES.entry("base.assets.erc20_token_transfers").key_column == "unique_id"
    assert BASE_TABLES.entry("BASE.ASSETS.T").key_column == "unique_id"
    assert BASE_TABLES.entry("base.raw.blocks").key_column is None
    assert BASE_TABLES.entry("base.raw.blocks").block_column is None


def test_other_tables_are_refused_naming_what_is_on_offer() -> None:
    with pytest.raises(TableNotOffered) as caught:
        BASE_TABLES.entry("ethereum.raw.blocks")
    assert caught.value.message.endswith("base.assets.*, base.*.*")


def test_a_catalog_is_read_from_json() -> None:
    text = json.dumps(
        [
            {"tables": "BASE.raw.*", "block_column": "block_number"},
            {"tables": "base.assets.transfers", "key_column": "unique_id", "block_column": None},
        ]
    )
    catalog = load_catalog(text)
    assert catalog == Catalog(
        (
            CatalogEntry("BASE.raw.*", block_column="block_number"),
            CatalogEntry("base.assets.transfers", key_column="unique_id"),
        )
    )
    assert catalog.entry("base.raw.blocks").block_column == "block_number"
    assert catalog.entry("base.assets.transfers").key_column == "unique_id"
    with pytest.raises(TableNotOffered):
        catalog.entry("base.assets.other")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "must be a list"),
        ([], "must be a list"),
        (["base.assets.*"], "needs tables"),
        ([{}], "needs tables"),
        ([{"tables": "base.*.*", "key": "unique_id"}], "needs tables"),
        ([{"tables": "base.*"}], "like base.assets"),
        ([{"tables": 5}], "like base.assets"),
        ([{"tables": "base.as*.x"}], "like base.assets"),
        ([{"tables": "base.*.*", "key_column": "a b"}], "key_column"),
        ([{"tables": "base.*.*", "block_column": 5}], "block_column"),
    ],
)
def test_a_catalog_with_a_mistake_is_refused_naming_it(content: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        load_catalog(json.dumps(content))


@pytest.mark.parametrize("text", ["org123", "A-_9", "x" * 64, "__x", "_"])
def test_an_organization_id_names_topics_and_folders(text: str) -> None:
    assert is_organization_id(text)


@pytest.mark.parametrize("text", ["", "a.b", "a/b", "x" * 65, "ä", "org\n", "..", "__x__", "____"])
def test_what_could_leave_its_organization_is_no_id(text: str) -> None:
    assert not is_organization_id(text)


@pytest.mark.parametrize(("one", "other"), [("acme", "acme_eu"), ("acme_eu", "acme"), ("a", "a__b")])
def test_organizations_whose_topics_kafka_could_take_for_the_same_are_told(one: str, other: str) -> None:
    assert may_share_topics(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("acme", "acme-eu"), ("acme", "acme"), ("a_b", "a_c"), ("a", "ab")]
)
def test_other_organizations_have_topics_apart(one: str, other: str) -> None:
    assert not may_share_topics(one, other)
