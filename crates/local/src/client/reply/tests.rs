use super::*;

/// Gives out its bytes a few at a time.
struct Slowly<'a> {
    bytes: &'a [u8],
    step: usize,
}

impl Read for Slowly<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let step = self.step.min(room.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(step);
        room[..step].copy_from_slice(now);
        self.bytes = later;
        Ok(step)
    }
}

fn read_all(bytes: &[u8]) -> Result<Reply, BadReply> {
    read(&mut Slowly { bytes, step: usize::MAX })
}

fn reply(headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n{body}").into_bytes()
}

#[test]
fn a_reply_is_the_same_in_one_piece_and_byte_by_byte() {
    let bytes = reply("content-length: 5\r\nContent-Type: text/plain; charset=utf-8", "hello");
    for step in [1, 2, 7, usize::MAX] {
        let reply = read(&mut Slowly { bytes: &bytes, step }).unwrap();
        assert_eq!((reply.status(), reply.media(), reply.body()), (200, Media::Text, &b"hello"[..]));
        assert!(reply.is_success());
    }
}

#[test]
fn a_reply_larger_than_the_first_room_arrives_whole() {
    for length in [FIRST_ROOM - 64, FIRST_ROOM, FIRST_ROOM + 1, HEAD_LIMIT + 1, BODY_LIMIT] {
        let body = "x".repeat(length);
        let bytes = reply(&format!("content-length: {length}"), &body);
        assert_eq!(read_all(&bytes).unwrap().body(), body.as_bytes(), "{length}");
    }
}

#[test]
fn long_headers_arrive_whole_up_to_the_limit() {
    let frame = reply("content-length: 0\r\nx: ", "").len();
    let fits = reply(&format!("content-length: 0\r\nx: {}", "y".repeat(HEAD_LIMIT - frame)), "");
    assert_eq!(fits.len(), HEAD_LIMIT);
    assert!(read_all(&fits).is_ok());
    let too_long = reply(&format!("content-length: 0\r\nx: {}", "y".repeat(HEAD_LIMIT - frame + 1)), "");
    assert!(matches!(read_all(&too_long), Err(BadReply::HeadTooLong)));
}

#[test]
fn a_body_that_may_have_been_cut_is_refused() {
    for headers in [
        "connection: close",
        "transfer-encoding: chunked",
        "content-length: 5\r\ntransfer-encoding: chunked",
        "content-length: 5\r\ncontent-length: 5",
        "content-length: +5",
        "content-length: -5",
        "content-length: 5, 5",
        "content-length:",
        "content-length: 0x5",
    ] {
        assert!(matches!(read_all(&reply(headers, "hello")), Err(BadReply::NoLength)), "{headers}");
    }
    assert!(matches!(read_all(&reply("content-length: 6", "hello")), Err(BadReply::HungUp)));
    assert!(matches!(read_all(&reply("content-length: 4", "hello")), Err(BadReply::Overlong)));
}

#[test]
fn a_body_beyond_the_limit_is_refused_before_it_is_read() {
    for length in ["1048577", "18446744073709551615", "99999999999999999999999"] {
        let bytes = reply(&format!("content-length: {length}"), "");
        assert!(matches!(read_all(&bytes), Err(BadReply::BodyTooLong)), "{length}");
    }
}

#[test]
fn what_is_not_http_is_refused() {
    for bytes in [
        &b"SSH-2.0-OpenSSH_9.2\r\n\r\n"[..],
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 99 x\r\n\r\n",
        b"\x16\x03\x01",
    ] {
        assert!(matches!(read_all(bytes), Err(BadReply::NotHttp | BadReply::HungUp)), "{bytes:?}");
    }
    assert!(matches!(read_all(b"HTTP/1.1 100 Continue\r\n\r\n"), Err(BadReply::NotHttp)));
    assert!(matches!(read_all(b""), Err(BadReply::HungUp)));
}

#[test]
fn a_reply_without_content_needs_no_length() {
    let reply = read_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    assert!(reply.is_success() && reply.body().is_empty());
    assert!(matches!(
        read_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 1\r\n\r\nx"),
        Err(BadReply::Overlong)
    ));
}

#[test]
fn a_server_that_drips_for_ever_is_left() {
    let bytes = reply(&format!("content-length: {BODY_LIMIT}"), &"x".repeat(BODY_LIMIT));
    assert!(matches!(read(&mut Slowly { bytes: &bytes, step: 1 }), Err(BadReply::Dripping)));
}

#[test]
fn a_socket_s_timeout_is_told_apart_from_a_broken_socket() {
    struct Fails(io::ErrorKind);
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
    }
    assert!(matches!(read(&mut Fails(io::ErrorKind::WouldBlock)), Err(BadReply::Silent)));
    assert!(matches!(read(&mut Fails(io::ErrorKind::TimedOut)), Err(BadReply::Silent)));
    assert!(matches!(read(&mut Fails(io::ErrorKind::ConnectionReset)), Err(BadReply::Broken(_))));
    assert!(matches!(read(&mut Fails(io::ErrorKind::Interrupted)), Err(BadReply::Dripping)));
}

#[test]
fn debug_output_of_a_reply_does_not_show_it() {
    let reply = read_all(&reply("content-length: 6", "canary")).unwrap();
    assert!(!format!("{reply:?}").contains("canary"));
}
