"""A mail server (aiosmtpd) that keeps what it takes: `mail.py FOLDER [CERTIFICATE KEY [USER PASSWORD]]`.

Says its port on a line of its own. FOLDER/refuse: an answer for every recipient, such as `550 no such user`.
FOLDER/hang: it says nothing to DATA. FOLDER/N.eml: the letters; FOLDER/N.tls: whether they came encrypted.
"""

import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

folder = pathlib.Path(sys.argv[1])
certificate = sys.argv[2:4]
login = sys.argv[4:6]
taken = 0


class Keeper:
    async def handle_RCPT(self, server, session, envelope, address, options):
        refuse = folder / "refuse"
        if refuse.exists():
            return refuse.read_text().strip()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        global taken
        while (folder / "hang").exists():
            await asyncio.sleep(0.1)
        taken += 1
        name = f"{taken:03}"
        (folder / f"{name}.tls").write_text("yes" if session.ssl else "no")
        (folder / f"{name}.part").write_bytes(envelope.content)
        (folder / f"{name}.part").rename(folder / f"{name}.eml")
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    right = [data.login.decode(), data.password.decode()] == login
    return AuthResult(success=right, handled=right)


def session():
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    return SMTP(
        Keeper(),
        hostname="mail.test",
        tls_context=context,
        require_starttls=bool(certificate),
        auth_required=bool(login),
        auth_require_tls=True,
        authenticator=authenticate if login else None,
        enable_SMTPUTF8=True,
    )


async def main():
    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
