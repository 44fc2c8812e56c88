"""Keys of each kind: told once, stored as a hash, and known again for what they are."""

import pytest

from postroad_aws import ids
from postroad_aws.storage import keys
from postroad_aws.usecases.create_key import KINDS, create_key, kind_of


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_opens_what_its_kind_opens(bare_account, kind):
    key, key_hash, made = create_key(keys, ids, kind, 100.0, name="mine", source="shop")
    prefix, usual = KINDS[kind]
    assert key.startswith(prefix)
    assert key_hash == keys.hash_key(key)
    assert keys.find_key(key) == made
    assert (made.kind, made.trusted) == (usual.kind, usual.trusted)
    assert (made.name, made.source, made.created_at) == ("mine", "shop", 100.0)
    assert kind_of(made) == kind


def test_a_key_without_a_name_has_the_usual_one(bare_account):
    _, _, made = create_key(keys, ids, "browser", 100.0)
    assert (made.name, made.source) == ("browser", "browser")


def test_no_two_keys_are_alike(bare_account):
    assert len({create_key(keys, ids, "api", 100.0)[0] for _ in range(50)}) == 50
