"""Webhooks reach only the public internet."""

import pytest

from shared.destinations.addresses import is_public

REFUSED = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
127.0.0.53 127.1.2.3 127.255.255.255 169.254.0.1 169.254.169.254 169.254.170.2 169.254.169.253
172.16.0.1 172.17.0.1 172.31.255.255 192.0.0.1 192.0.0.9 192.0.0.170 192.0.0.192 192.0.2.1
192.31.196.1 192.52.193.1 192.88.99.1 192.168.0.1 192.168.255.255 192.175.48.1 198.18.0.1
198.19.255.255 198.51.100.7 199.36.153.8 199.36.153.4 203.0.113.9 224.0.0.1 239.255.255.250
240.0.0.1 255.255.255.255 :: ::1 ::2 ::7f00:1 ::127.0.0.1 ::10.0.0.1 ::ffff:127.0.0.1
::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1
64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b::8.8.8.8 64:ff9b:1::10.0.0.1 100::1 100:0:0:1::1
2001::1 2001:0:7f00:1::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1
2001:1ff::1 2001:db8::1 2001:db8:ffff::1 2002:7f00:1::1 2002:a00:1:: 2002:a9fe:a9fe::1
2002:808:808::1 2620:4f:8000::1 3fff::1 3fff:fff::1 4000::1 5f00::1 fc00::1 fd00::1 fd00:ec2::254
fd20:ce::254 fdff:ffff::1 fe80::1 fe80::1%eth0 fe80::1%1 febf::1 fec0::1 feff::1 ff00::1 ff02::1
ff0e::1
""".split()  # noqa: SIM905 - a table of addresses reads best without quotes
PUBLIC = """
1.1.1.1 8.8.8.8 9.9.9.9 11.0.0.1 34.120.1.1 52.95.110.1 93.184.216.34 100.63.255.255 100.128.0.1
126.255.255.255 128.0.0.1 151.101.1.69 169.253.255.255 169.255.0.1 172.15.255.255 172.32.0.1
191.255.255.255 192.0.1.1 192.167.255.255 192.169.0.1 198.17.255.255 198.20.0.1 203.0.112.1
223.255.255.255 2001:4860:4860::8888 2606:4700:4700::1111 2a00:1450:4001:80b::200e 2620:fe::fe
2400:cb00::1 2001:200::1 2003::1 2c0f:fb50::1 3ffe:ffff::1
""".split()  # noqa: SIM905 - a table of addresses reads best without quotes
NO_ADDRESSES = ["", "localhost", "127.1", "0177.0.0.1", "0x7f000001", "2130706433", "1.2.3.4/8", "::g"]


@pytest.mark.parametrize("address", REFUSED)
def test_a_special_address_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_ordinary_address_is_allowed(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert not is_public(text)
