"""The Python client, unmodified, against a server that was just started: from init to seal. Arguments: its address, a
public key in PEM, and a JWT that its other half signed."""

import json
import sys

import hvac
from hvac import exceptions

passed = failed = 0


def step(name):
    """Runs at once; what fails is told and does not stop the others."""

    def run(work):
        global passed, failed
        try:
            work()
            passed += 1
        except Exception as error:  # noqa: BLE001: any failure of a step is a result
            failed += 1
            print(f"FAIL {name}: {type(error).__name__}: {error}")
        return work

    return run


client = hvac.Client(url=sys.argv[1], timeout=30)
made = {}


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def refused(kind, work):
    try:
        work()
    except kind:
        return
    raise AssertionError(f"was not refused with {kind.__name__}")


@step("init and unseal")
def _():
    expect(not client.sys.is_initialized(), "not initialised")
    result = client.sys.initialize(secret_shares=3, secret_threshold=2)
    made.update(result)
    expect(client.sys.is_initialized() and client.sys.is_sealed(), "initialised and sealed")
    client.sys.submit_unseal_keys(result["keys"][:2])
    expect(not client.sys.is_sealed(), "unsealed")
    client.token = result["root_token"]
    expect(client.is_authenticated(), "the root token is good")


@step("health, leader, seal status")
def _():
    expect(client.sys.read_health_status(method="GET")["initialized"], "health")
    client.sys.read_leader_status()
    expect(client.seal_status["sealed"] is False, "seal status")


@step("KV v2: write, read, versions, list")
def _():
    kv = client.secrets.kv.v2
    first = kv.create_or_update_secret(path="team/db", secret={"user": "app", "n": 1})
    expect(first["data"]["version"] == 1, "version 1")
    kv.create_or_update_secret(path="team/db", secret={"user": "app", "n": 2}, cas=1)
    refused(exceptions.InvalidRequest, lambda: kv.create_or_update_secret(path="team/db", secret={}, cas=1))
    expect(kv.read_secret_version(path="team/db", raise_on_deleted_version=True)["data"]["data"]["n"] == 2, "newest")
    older = kv.read_secret_version(path="team/db", version=1, raise_on_deleted_version=True)
    expect(older["data"]["data"]["n"] == 1, "older")
    expect(kv.list_secrets(path="team")["data"]["keys"] == ["db"], "list")
    refused(exceptions.InvalidPath, lambda: kv.read_secret_version(path="none", raise_on_deleted_version=True))


@step("KV v2: patch, delete, undelete, destroy")
def _():
    kv = client.secrets.kv.v2
    kv.patch(path="team/db", secret={"more": "x"})
    kv.delete_latest_version_of_secret(path="team/db")
    gone = kv.read_secret_version(path="team/db", raise_on_deleted_version=False)
    expect(gone["data"]["metadata"]["deletion_time"] != "", "deletion time")
    kv.undelete_secret_versions(path="team/db", versions=[3])
    kv.delete_secret_versions(path="team/db", versions=[1])
    kv.destroy_secret_versions(path="team/db", versions=[1])
    expect(kv.read_secret_metadata(path="team/db")["data"]["versions"]["1"]["destroyed"], "destroyed")


@step("KV v2: metadata and configuration")
def _():
    kv = client.secrets.kv.v2
    kv.update_metadata(path="team/db", max_versions=5, custom_metadata={"owner": "ada"})
    metadata = kv.read_secret_metadata(path="team/db")["data"]
    expect(metadata["max_versions"] == 5 and metadata["custom_metadata"] == {"owner": "ada"}, "metadata")
    kv.configure(max_versions=20, mount_point="secret")
    expect(kv.read_configuration(mount_point="secret")["data"]["max_versions"] == 20, "configuration")
    kv.delete_metadata_and_all_versions(path="team/db")
    refused(exceptions.InvalidPath, lambda: kv.read_secret_metadata(path="team/db"))


@step("policies")
def _():
    text = 'path "secret/data/app/*" { capabilities = ["read"] }'
    client.sys.create_or_update_policy(name="reader", policy=text)
    expect(client.sys.read_policy(name="reader")["data"]["rules"] == text, "text")
    expect("reader" in client.sys.list_policies()["data"]["policies"], "list")
    expect(client.sys.read_acl_policy(name="reader")["data"] == {"name": "reader", "policy": text}, "acl policy")
    self_paths = client.sys.get_capabilities(paths=["secret/data/app/x"])
    expect(self_paths["data"]["secret/data/app/x"] == ["root"], "capabilities")


@step("tokens: create, look up, renew, revoke")
def _():
    created = client.auth.token.create(policies=["reader"], ttl="1h", meta={"for": "test"})["auth"]
    token, accessor = created["client_token"], created["accessor"]
    expect(client.auth.token.lookup(token)["data"]["policies"] == ["default", "reader"], "policies")
    expect(client.auth.token.lookup_accessor(accessor)["data"]["id"] == "", "accessor hides the id")
    client.auth.token.renew(token, increment="2h")
    other = hvac.Client(url=sys.argv[1], token=token)
    client.secrets.kv.v2.create_or_update_secret(path="app/x", secret={"v": 1})
    read = other.secrets.kv.v2.read_secret_version(path="app/x", raise_on_deleted_version=True)
    expect(read["data"]["data"] == {"v": 1}, "read by policy")
    refused(exceptions.Forbidden, lambda: other.secrets.kv.v2.create_or_update_secret(path="app/x", secret={}))
    client.auth.token.revoke_accessor(accessor)
    expect(not other.is_authenticated(), "revoked")


@step("mounts")
def _():
    client.sys.enable_secrets_engine(backend_type="kv", path="team-kv", options={"version": "2"})
    expect("team-kv/" in client.sys.list_mounted_secrets_engines()["data"], "mounted")
    client.secrets.kv.v2.create_or_update_secret(path="a", secret={"v": 1}, mount_point="team-kv")
    client.sys.tune_mount_configuration(path="team-kv", default_lease_ttl="3600s")
    expect(client.sys.read_mount_configuration(path="team-kv")["data"]["default_lease_ttl"] == 3600, "tuned")
    client.sys.disable_secrets_engine(path="team-kv")


@step("KV v1")
def _():
    client.sys.enable_secrets_engine(backend_type="kv", path="old", options={"version": "1"})
    client.secrets.kv.v1.create_or_update_secret(path="a/b", secret={"v": "1"}, mount_point="old")
    expect(client.secrets.kv.v1.read_secret(path="a/b", mount_point="old")["data"] == {"v": "1"}, "read")
    expect(client.secrets.kv.v1.list_secrets(path="a", mount_point="old")["data"]["keys"] == ["b"], "list")
    client.secrets.kv.v1.delete_secret(path="a/b", mount_point="old")


@step("AppRole")
def _():
    client.sys.enable_auth_method(method_type="approle", path="approle")
    client.auth.approle.create_or_update_approle(role_name="web", token_policies=["reader"], token_ttl="10m")
    role_id = client.auth.approle.read_role_id(role_name="web")["data"]["role_id"]
    secret_id = client.auth.approle.generate_secret_id(role_name="web")["data"]["secret_id"]
    other = hvac.Client(url=sys.argv[1])
    login = other.auth.approle.login(role_id=role_id, secret_id=secret_id)
    expect(login["auth"]["metadata"]["role_name"] == "web", "metadata")
    read = other.secrets.kv.v2.read_secret_version(path="app/x", raise_on_deleted_version=True)
    expect(read["data"]["data"] == {"v": 1}, "read by policy")
    refused(
        exceptions.InvalidRequest,
        lambda: hvac.Client(url=sys.argv[1]).auth.approle.login(role_id=role_id, secret_id="wrong"),
    )


@step("userpass")
def _():
    client.sys.enable_auth_method(method_type="userpass", path="people")
    people = client.auth.userpass
    people.create_or_update_user("bob", password="a long enough one", policies=["reader"], mount_point="people")
    other = hvac.Client(url=sys.argv[1])
    login = other.auth.userpass.login("bob", "a long enough one", mount_point="people")
    expect(login["auth"]["metadata"] == {"username": "bob"}, "metadata")
    expect(people.read_user("bob", mount_point="people")["data"]["token_policies"] == ["reader"], "read back")
    people.delete_user("bob", mount_point="people")


@step("wrapping")
def _():
    wrapped = client.sys.wrap(payload={"v": 1}, ttl=60)
    token = wrapped["wrap_info"]["token"]
    expect(client.sys.unwrap(token=token)["data"] == {"v": 1}, "unwrapped")
    refused(exceptions.InvalidRequest, lambda: client.sys.unwrap(token=token))
    handed = client.read("secret/data/app/x", wrap_ttl="60s")["wrap_info"]
    expect(handed["creation_path"] == "secret/data/app/x", "where it came from")
    holder = hvac.Client(url=sys.argv[1], token=handed["token"])
    expect(holder.sys.unwrap()["data"]["data"] == {"v": 1}, "unwrapped by itself")
    older = client.read("secret/data/app/x", wrap_ttl="60s")["wrap_info"]["token"]
    kept = hvac.Client(url=sys.argv[1], token=older).read("cubbyhole/response")
    expect(json.loads(kept["data"]["response"])["data"]["data"] == {"v": 1}, "the older read")


@step("logins by JWT")
def _():
    client.sys.enable_auth_method("jwt")
    client.auth.jwt.configure(jwt_validation_pubkeys=[sys.argv[2]])
    role = dict(role_type="jwt", user_claim="sub", bound_audiences=["tallystick"], allowed_redirect_uris=[])
    client.auth.jwt.create_role("ci", token_policies=["reader"], **role)
    expect(client.auth.jwt.list_roles()["data"]["keys"] == ["ci"], "listed")
    auth = hvac.Client(url=sys.argv[1]).auth.jwt.jwt_login("ci", sys.argv[3])["auth"]
    expect(auth["metadata"] == {"role": "ci"} and auth["policies"] == ["default", "reader"], "logged in")
    client.auth.jwt.create_role("ci", **{**role, "bound_audiences": ["else"]})
    refused(exceptions.InvalidRequest, lambda: client.auth.jwt.jwt_login("ci", sys.argv[3], use_token=False))
    client.sys.disable_auth_method("jwt")
    refused(exceptions.Forbidden, lambda: hvac.Client(url=sys.argv[1], token=auth["client_token"]).read("secret/data/x"))


@step("cubbyhole")
def _():
    own = hvac.Client(url=sys.argv[1], token=client.auth.token.create(policies=["reader"])["auth"]["client_token"])
    own.write_data("cubbyhole/mine", data={"v": 1})
    expect(own.read("cubbyhole/mine")["data"] == {"v": 1}, "read back")
    expect(own.list("cubbyhole")["data"]["keys"] == ["mine"], "listed")
    expect(client.read("cubbyhole/mine") is None, "root does not see it")
    own.delete("cubbyhole/mine")
    expect(own.read("cubbyhole/mine") is None, "gone")


@step("key status and rotation")
def _():
    before = client.sys.read_encryption_key_status()["data"]["term"] if "data" in client.key_status else client.key_status["term"]
    client.sys.rotate_encryption_key()
    expect(client.key_status["term"] == before + 1, "term rises by one")


@step("rekey")
def _():
    started = client.sys.start_rekey(secret_shares=1, secret_threshold=1)
    done = client.sys.rekey_multi(made["keys"][:2], nonce=started["nonce"])
    expect(done["complete"], "complete")
    made["keys"] = done["keys"]


@step("revoke and seal")
def _():
    client.sys.seal()
    expect(client.sys.is_sealed(), "sealed")
    client.sys.submit_unseal_keys(made["keys"][:2])
    expect(not client.sys.is_sealed(), "unsealed again")
    client.auth.token.revoke_self()
    expect(not client.is_authenticated(), "the root token is gone")


print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
