//! Networks of IP addresses, as people write them: `10.1.2.0/24`. Knows no interface and asks nobody.

use std::net::IpAddr;

/// A network: an address and how many of its first bits count (RFC 4632 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads an address or a network; `None` where it is neither, or has bits beyond those that count.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address.parse().ok()?, Some(bits.parse().ok()?)),
            None => (text.parse().ok()?, None),
        };
        let most = if matches!(address, IpAddr::V4(_)) { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        let network = Self { address, bits };
        (bits <= most && number(address).1 & !network.mask(most) == 0).then_some(network)
    }

    /// Whether an address lies in it; IPv4 inside IPv6 is IPv4.
    pub(super) fn contains(self, address: IpAddr) -> bool {
        let (width, mine) = number(self.address);
        let (other_width, theirs) = number(address.to_canonical());
        width == other_width && (mine ^ theirs) & self.mask(width) == 0
    }

    fn mask(self, width: u8) -> u128 {
        let all = u128::MAX.checked_shr(128 - u32::from(width)).unwrap_or(0);
        let tail = all.checked_shr(u32::from(self.bits)).filter(|_| self.bits < width).unwrap_or(0);
        all & !tail
    }
}

fn number(address: IpAddr) -> (u8, u128) {
    match address {
        IpAddr::V4(address) => (32, u128::from(u32::from(address))),
        IpAddr::V6(address) => (128, u128::from(address)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_what_they_say() {
        for (network, inside, outside) in [
            ("10.1.2.0/24", "10.1.2.255", "10.1.3.0"),
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("0.0.0.0/0", "203.0.113.9", "fd00::1"),
            ("fd00:1::/32", "fd00:1::9", "fd00:2::9"),
            ("192.0.2.0/25", "::ffff:192.0.2.127", "192.0.2.128"),
        ] {
            let read = Network::parse(network).unwrap();
            assert!(read.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!read.contains(outside.parse().unwrap()), "{network} {outside}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.1.2.3/24", "10.1.2.0/33", "10.1.2/24", "fd00::1/64", "localhost", "10.0.0.0/-1"]
        {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
