//! STUN (RFC 8489), as far as it is asked on the SIP socket: where a server sees us, which also keeps the NAT open
//! (RFC 5626 section 4.4.2). The ports of audio answer checks in `media::ice`.

use std::net::SocketAddr;

use stun_types::attribute::XorMappedAddress;
use stun_types::message::{BINDING, Message, MessageClass, MessageType, MessageWrite, MessageWriteVec};

/// Longer ones are no answer to a bare binding request.
const BYTES_MAX: usize = 1_500;

/// A binding request.
pub fn request(transaction: [u8; 12]) -> Vec<u8> {
    let kind = MessageType::from_class_method(MessageClass::Request, BINDING);
    Message::builder(kind, id(transaction), MessageWriteVec::new()).finish()
}

/// The transaction and the address that a successful answer names.
pub fn read_answer(bytes: &[u8]) -> Option<([u8; 12], SocketAddr)> {
    if bytes.len() > BYTES_MAX {
        return None;
    }
    let message = Message::from_bytes(bytes).ok()?;
    if message.class() != MessageClass::Success || message.method() != BINDING {
        return None;
    }
    let transaction: [u8; 12] = bytes.get(8..20)?.try_into().ok()?;
    let seen = message.attribute::<XorMappedAddress>().ok()?.addr(message.transaction_id());
    Some((transaction, seen))
}

fn id(transaction: [u8; 12]) -> stun_types::message::TransactionId {
    let mut bytes = [0; 16];
    bytes[4..].copy_from_slice(&transaction);
    u128::from_be_bytes(bytes).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use stun_types::message::MessageWriteExt;

    use super::*;

    const TRANSACTION: [u8; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

    fn answer(seen: SocketAddr) -> Vec<u8> {
        let request = request(TRANSACTION);
        let request = Message::from_bytes(&request).expect("our own request");
        let mut answer = Message::builder_success(&request, MessageWriteVec::new());
        answer.add_attribute(&XorMappedAddress::new(seen, request.transaction_id())).expect("there is room");
        answer.finish()
    }

    #[test]
    fn a_request_is_twenty_bytes_with_cookie_and_transaction() {
        let mut expected = vec![0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42];
        expected.extend(TRANSACTION);
        assert_eq!(request(TRANSACTION), expected);
    }

    #[test]
    fn the_address_that_the_server_sees_is_read() {
        for seen in ["198.51.100.1:31024", "[2001:db8::7]:5060"] {
            let seen: SocketAddr = seen.parse().expect("an address");
            assert_eq!(read_answer(&answer(seen)), Some((TRANSACTION, seen)));
        }
        assert_eq!(read_answer(&request(TRANSACTION)), None);
        let whole = answer("198.51.100.1:31024".parse().expect("an address"));
        (0..whole.len()).for_each(|length| assert_eq!(read_answer(&whole[..length]), None, "{length}"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), cookie in any::<bool>()) {
            if cookie && bytes.len() >= 8 {
                let length = bytes.len() as u16 - 20u16.min(bytes.len() as u16);
                bytes[..2].copy_from_slice(&[1, 1]);
                bytes[2..4].copy_from_slice(&length.to_be_bytes());
                bytes[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
            }
            let _ = read_answer(&bytes);
        }
    }
}
