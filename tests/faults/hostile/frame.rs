//! Frames of HTTP/2, written by hand: a hostile peer keeps no rules.

/// What each connection begins with.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// One frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A list of headers, each spelled out: no table, no Huffman code.
pub(crate) fn header_block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            length(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// An integer with a prefix of seven bits.
fn length(block: &mut Vec<u8>, length: usize) {
    if length < 127 {
        block.push(u8::try_from(length).unwrap());
        return;
    }
    block.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}

/// The headers of a call of this method, as this bearer.
pub(crate) fn call<'a>(path: &'a str, bearer: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let mut headers = vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", path),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ];
    headers.extend(bearer.map(|bearer| ("authorization", bearer)));
    headers
}

/// The letters of `grpc-status` and digits in the Huffman code of HPACK, which the server uses.
const CODES: &[(char, u32, u32)] = &[
    ('a', 0b00011, 5),
    ('c', 0b00100, 5),
    ('g', 0b10_0110, 6),
    ('p', 0b10_1011, 6),
    ('r', 0b10_1100, 6),
    ('s', 0b01000, 5),
    ('t', 0b01001, 5),
    ('u', 0b10_1101, 6),
    ('-', 0b01_0110, 6),
    ('0', 0b00000, 5),
    ('1', 0b00001, 5),
    ('2', 0b00010, 5),
    ('3', 0b01_1001, 6),
    ('4', 0b01_1010, 6),
    ('5', 0b01_1011, 6),
    ('6', 0b01_1100, 6),
    ('7', 0b01_1101, 6),
    ('8', 0b01_1110, 6),
    ('9', 0b01_1111, 6),
];

/// A text as the server sends it: its length with the mark of the code, and the code.
fn huffman(text: &str) -> Vec<u8> {
    let (mut bits, mut count) = (0_u128, 0);
    for letter in text.chars() {
        let (_, code, length) = CODES.iter().find(|(it, ..)| *it == letter).unwrap();
        bits = bits << length | u128::from(*code);
        count += length;
    }
    // What is left of the last byte is filled with ones.
    while count % 8 != 0 {
        bits = bits << 1 | 1;
        count += 1;
    }
    let bytes = (0..count / 8).rev().map(|at| (bits >> (8 * at)) as u8);
    let mut coded: Vec<u8> = bytes.collect();
    coded.insert(0, 128 | u8::try_from(coded.len()).unwrap());
    coded
}

/// The gRPC status in a list of headers.
pub(crate) fn grpc_status(block: &[u8]) -> Option<u32> {
    let name = huffman("grpc-status");
    let at = block.windows(name.len()).position(|found| found == name)?;
    let value = &block[at + name.len()..];
    // Longer ones first: the code of one digit may begin that of two.
    (0..=16)
        .rev()
        .find(|status: &u32| value.starts_with(&huffman(&status.to_string())))
}

#[test]
fn a_status_is_found() {
    // `grpc-status: 12`, from the examples of the code's tables by hand.
    let mut block = vec![0x88, 0x40];
    block.extend(huffman("grpc-status"));
    block.extend(huffman("12"));
    assert_eq!(grpc_status(&block), Some(12));
    assert_eq!(huffman("302"), [0x82, 0x64, 0x02], "RFC 7541, C.6.1");
}
