#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module notification_endpoint."""

from __future__ import annotations

DOCUMENTATION = r"""
module: notification_endpoint
short_description: Declare where Proxmox VE sends notifications
version_added: 0.2.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes an endpoint of the notification system, and sends it a test message. What is not set is
    not managed; an empty value removes what is there.
  - What Proxmox VE brings itself, V(mail-to-root), can be changed, and is set back where it is to be absent.
  - The options have Proxmox VE's own names, with underscores. The mail server's port and password are O(server_port)
    and O(server_password), because the connection has options of these names. A webhook's O(header), O(body) and
    O(secret) are plain here; Proxmox VE's API has them in base64.
  - Needs the privilege C(Mapping.Modify) on V(/mapping/notifications), and except for O(state=absent) also
    C(Sys.AccessNetwork), or C(Sys.Audit) and C(Sys.Modify), on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  type:
    description: Kind of endpoint. Endpoints and matchers share their names, whatever they are of.
    type: str
    choices: [sendmail, smtp, gotify, webhook]
    required: true
  name:
    description: Name of the endpoint.
    type: str
    required: true
  state:
    description: Whether it is to be there.
    type: str
    choices: [present, absent]
    default: present
  test:
    description:
      - Whether a test message is sent when all else is done. A message that can't be delivered is a failure.
      - V(on_change) sends one if the endpoint was made or changed; V(always) sends one every time, which counts as a
        change.
    type: str
    choices: [never, on_change, always]
    default: never
  comment:
    description: A comment.
    type: str
  disable:
    description: Whether nothing is sent to it.
    type: bool
  mailto:
    description:
      - Mail addresses (sendmail, smtp). Order means nothing.
      - One of these or of O(mailto_user) is needed.
    type: list
    elements: str
  mailto_user:
    description: Users whose mail address is used, as V(root@pam) (sendmail, smtp). Order means nothing.
    type: list
    elements: str
  author:
    description: Name of the sender (sendmail, smtp).
    type: str
  from_address:
    description: Mail address of the sender (sendmail, smtp). An endpoint of type smtp needs it.
    type: str
  server:
    description: Name or address of the mail server, or URL of the gotify server. Both types need it.
    type: str
  server_port:
    description: Port of the mail server. Proxmox VE takes what fits O(mode).
    type: int
  mode:
    description: How the connection to the mail server is encrypted. Proxmox VE assumes V(tls).
    type: str
    choices: [insecure, starttls, tls]
  username:
    description: Login at the mail server.
    type: str
  server_password:
    description: Password for the mail server. Proxmox VE doesn't give it back; see O(update_password).
    type: str
  token:
    description: Token for gotify, which needs it. Proxmox VE doesn't give it back; see O(update_password).
    type: str
  url:
    description: URL of the webhook, which needs it. May use templates.
    type: str
  method:
    description: HTTP method of the webhook, which needs it.
    type: str
    choices: [post, put, get]
  header:
    description: HTTP headers of the webhook, by name. May use templates.
    type: dict
  body:
    description: HTTP body of the webhook. May use templates.
    type: str
  secret:
    description:
      - Secrets that the webhook's templates may use, by name, as in C(secrets.NAME).
      - Proxmox VE tells their names only. Secrets are added and removed by name; see O(update_password).
    type: dict
  update_password:
    description:
      - V(on_create) sets O(server_password), O(token) and the values of O(secret) only when they are made; V(always)
        sets those that are given every time, which always counts as a change.
    type: str
    choices: [on_create, always]
    default: on_create
"""

EXAMPLES = r"""
- name: Send notifications to a phone
  homelab.pve.notification_endpoint:
    name: phone
    type: gotify
    server: https://gotify.example.org
    token: "{{ gotify_token | default('a-token') }}"

- name: Send mail over a provider
  homelab.pve.notification_endpoint:
    name: provider
    type: smtp
    server: mail.example.org
    mode: starttls
    username: proxmox@example.org
    server_password: "{{ mail_password | default('a-password') }}"
    from_address: proxmox@example.org
    mailto_user: [root@pam]
    test: on_change

- name: Tell a chat room
  homelab.pve.notification_endpoint:
    name: room
    type: webhook
    method: post
    url: "{% raw %}https://chat.example.org/hooks/{{ secrets.key }}{% endraw %}"
    header: {Content-Type: application/json}
    body: "{% raw %}{\"text\": \"{{ escape message }}\"}{% endraw %}"
    secret: {key: "{{ chat_key | default('a-key') }}"}

- name: Have the phone left alone for now
  homelab.pve.notification_endpoint:
    name: phone
    type: gotify
    disable: true

- name: Remove the chat room
  homelab.pve.notification_endpoint:
    name: room
    type: webhook
    state: absent
"""

RETURN = r"""
notification_endpoint:
  description: The endpoint, without secrets. Options are named as this module's.
  type: dict
  returned: when it is there
  sample: {name: phone, type: gotify, server: "https://gotify.example.org"}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create notification endpoint gotify phone"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.notification_endpoint import NOTIFICATION_ENDPOINT


def main() -> None:
    """Entry point."""
    run(NOTIFICATION_ENDPOINT)


if __name__ == "__main__":
    main()
