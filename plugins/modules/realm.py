#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module realm."""

from __future__ import annotations

DOCUMENTATION = r"""
module: realm
short_description: Declare a realm of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a realm, which says who checks the passwords of its users. Types are LDAP, Active
    Directory and OpenID Connect; Proxmox VE's own realms V(pam) and V(pve) are always there and take O(comment),
    O(default) and O(tfa) only.
  - What is not set is not managed; an empty value removes what is there. The options have Proxmox VE's own names, with
    the exception of O(server_port) and O(bind_password), because the connection has options of these names.
  - An option that the realm's type does not have is refused before anything is written.
  - The users of a realm that is removed stay, but can't log in any more.
  - Needs the privilege C(Realm.Allocate) on V(/access/realm).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  realm:
    description: Name of the realm, as in V(alice@REALM).
    type: str
    required: true
  state:
    description: Whether the realm is to be there.
    type: str
    choices: [present, absent]
    default: present
  type:
    description: Kind of the realm. Needed to create one, and can't be changed.
    type: str
    choices: [ad, ldap, openid, pam, pve]
  comment:
    description: What the login window shows.
    type: str
  default:
    description: Whether the login window chooses this realm first. One realm is the default; the one before ends to be.
    type: bool
  tfa:
    description:
      - Second factor that all users of the realm have to give. An empty dictionary removes it. Not for V(openid).
      - What is unset stays, as long as the type does. It is hidden in diffs, because it may hold a key.
    type: dict
    suboptions:
      type:
        description: V(oath) for one-time passwords by time, V(yubico) for YubiKeys.
        type: str
        choices: [oath, yubico]
      id:
        description: Id at the Yubico API.
        type: str
      key:
        description: Key at the Yubico API.
        type: str
      url:
        description: Address of the Yubico API.
        type: str
      digits:
        description: Digits of a one-time password, from 6 to 8. Proxmox VE's default is 6.
        type: int
      step:
        description: Seconds a one-time password holds, 10 or more. Proxmox VE's default is 30.
        type: int
  server1:
    description: Address of the directory's server. Needed for V(ldap) and V(ad).
    type: str
  server2:
    description: Address of a second server, asked when the first doesn't answer.
    type: str
  server_port:
    description: Port of the servers. Proxmox VE's default is 389, and 636 for V(ldaps).
    type: int
  domain:
    description: Domain of Active Directory. Needed for V(ad).
    type: str
  mode:
    description: Protocol of the directory. Proxmox VE's default is V(ldap), without encryption.
    type: str
    choices: [ldap, ldaps, ldap+starttls]
  secure:
    description: Proxmox VE's older name of O(mode=ldaps).
    type: bool
  sslversion:
    description: Version of TLS. Proxmox VE advises against versions before 1.2.
    type: str
    choices: [tlsv1, tlsv1_1, tlsv1_2, tlsv1_3]
  verify:
    description: Whether the server's certificate is checked. Proxmox VE's default is no.
    type: bool
  capath:
    description: Path, on the nodes, of the certificate authorities. Proxmox VE's default is V(/etc/ssl/certs).
    type: str
  cert:
    description: Path, on the nodes, of the client's certificate.
    type: str
  certkey:
    description: Path, on the nodes, of the key of the client's certificate.
    type: str
  base_dn:
    description: Where users are searched. Needed for V(ldap).
    type: str
  bind_dn:
    description: Who searches them. Without it, that is done anonymously.
    type: str
  bind_password:
    description:
      - The password of O(bind_dn). Proxmox VE doesn't tell it. See O(update_password).
      - An empty one removes it, with O(update_password=always).
    type: str
  user_attr:
    description: Attribute that holds a user's name, for example V(uid). Needed for V(ldap).
    type: str
  filter:
    description: Filter for the users that are synchronized.
    type: str
  user_classes:
    description: Object classes of users. Order means nothing.
    type: list
    elements: str
  group_dn:
    description: Where groups are searched. Proxmox VE's default is O(base_dn).
    type: str
  group_name_attr:
    description: Attribute that holds a group's name. Without it, the first value of its distinguished name.
    type: str
  group_filter:
    description: Filter for the groups that are synchronized.
    type: str
  group_classes:
    description: Object classes of groups. Order means nothing.
    type: list
    elements: str
  sync_attributes:
    description:
      - Attributes of the directory by what they are for Proxmox VE, a dictionary or Proxmox VE's property string, for
        example V(email=mail). Names are C(comment), C(email), C(enable), C(expire), C(firstname), C(keys), C(lastname).
    type: raw
  sync_defaults_options:
    description:
      - What M(homelab.pve.realm_sync) does where it isn't told otherwise, a dictionary or Proxmox VE's property string.
      - Names are C(scope) (V(users), V(groups) or V(both)), C(remove-vanished) (some of V(acl), V(entry) and
        V(properties), or V(none)) and C(enable-new).
    type: raw
  case_sensitive:
    description: Whether upper and lower case differ in users' names. Proxmox VE's default is yes.
    type: bool
  check_connection:
    description:
      - Whether Proxmox VE tries to log in to the server before it writes the change down. Only for V(ldap) and V(ad).
    type: bool
  issuer_url:
    description: Address of the OpenID provider. Needed for V(openid).
    type: str
  client_id:
    description: Id of Proxmox VE at the provider. Needed for V(openid).
    type: str
  client_key:
    description: Secret of Proxmox VE at the provider. Proxmox VE tells it, so it is compared.
    type: str
  username_claim:
    description: Claim that a user's name is taken from. Can't be changed.
    type: str
  autocreate:
    description: Whether a user who logs in for the first time is made. Proxmox VE's default is no.
    type: bool
  groups_claim:
    description: Claim that a user's groups are taken from. Not in the first releases of Proxmox VE 8.
    type: str
  groups_autocreate:
    description: Whether groups that are not there are made. Proxmox VE's default is no.
    type: bool
  groups_overwrite:
    description: Whether a user leaves all groups that are not claimed. Proxmox VE's default is no.
    type: bool
  scopes:
    description: Scopes that are asked for. Proxmox VE's default is V(email profile).
    type: str
  prompt:
    description: What the provider shall ask the user, for example V(none), V(login), V(consent) or V(select_account).
    type: str
  acr_values:
    description: Authentication context class references that the provider shall use.
    type: str
  query_userinfo:
    description: Whether the provider is asked for claims, too. Proxmox VE's default is yes.
    type: bool
  update_password:
    description:
      - V(on_create) sets O(bind_password) only when the realm is made; V(always) sets it every time, which always
        counts as a change.
    type: str
    choices: [on_create, always]
    default: on_create
"""

EXAMPLES = r"""
- name: Provide a realm of the directory
  homelab.pve.realm:
    realm: example
    type: ldap
    comment: Example Inc.
    server1: ldap.example.com
    mode: ldaps
    verify: true
    base_dn: ou=people,dc=example,dc=com
    user_attr: uid
    bind_dn: cn=proxmox,dc=example,dc=com
    bind_password: "{{ vault_password | default('not so secret') }}"
    sync_defaults_options: {scope: both, remove-vanished: [acl, entry]}

- name: Let people log in with a provider, too
  homelab.pve.realm:
    realm: sso
    type: openid
    issuer_url: https://sso.example.com/realms/home
    client_id: proxmox
    client_key: "{{ vault_client_key | default('not so secret') }}"
    username_claim: username
    autocreate: true
    default: true

- name: Remove it
  homelab.pve.realm:
    realm: sso
    state: absent
"""

RETURN = r"""
realm:
  description: The realm, without secrets. Options are named as this module's.
  type: dict
  returned: when the realm exists
  sample: {type: ldap, server1: ldap.example.com, mode: ldaps, base_dn: "ou=people,dc=example,dc=com", user_attr: uid}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create realm example"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.realm import REALM


def main() -> None:
    """Entry point."""
    run(REALM)


if __name__ == "__main__":
    main()
