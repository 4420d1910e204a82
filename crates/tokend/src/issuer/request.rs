//! The body of an exchange: the only place where a client secret is put into a request.

use std::io;

use airbyte_token_core::{ClientId, Secret};
use hyper::body::Bytes;
use serde::Serialize;
use zeroize::Zeroizing;

/// What Airbyte's OpenAPI description calls `ApplicationTokenRequestWithGrant`; the hyphen is Airbyte's.
#[derive(Serialize)]
struct Exchange<'a> {
    client_id: &'a str,
    client_secret: &'a str,
    #[serde(rename = "grant-type")]
    grant_type: &'static str,
}

/// The JSON body of one exchange. It is written into a buffer of just its size, so that no smaller one with a part of
/// the secret is left behind, and that buffer is wiped when the last handle to it is dropped.
pub(super) fn body(client_id: &ClientId, secret: &Secret) -> Bytes {
    let exchange = Exchange {
        client_id: client_id.as_str(),
        client_secret: secret.expose(),
        grant_type: "client_credentials",
    };
    let mut size = Size(0);
    write(&exchange, &mut size);
    let mut buffer = Zeroizing::new(Vec::with_capacity(size.0));
    write(&exchange, &mut *buffer);
    Bytes::from_owner(buffer)
}

fn write(exchange: &Exchange<'_>, to: impl io::Write) {
    serde_json::to_writer(to, exchange).expect("three strings always serialise, and neither writer fails");
}

/// Counts what is written to it.
struct Size(usize);

impl io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(client_id: &str, secret: &str) -> String {
        let body = body(&client_id.parse().unwrap(), &Secret::new(secret.to_owned()));
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[test]
    fn the_body_has_the_three_fields_that_airbyte_reads() {
        assert_eq!(
            text("an-id", "a-secret"),
            r#"{"client_id":"an-id","client_secret":"a-secret","grant-type":"client_credentials"}"#
        );
    }

    proptest! {
        #[test]
        fn any_id_and_secret_arrive_unchanged(client_id in "[!-~]{1,64}", secret in "\\PC{0,64}") {
            let parsed: serde_json::Value = serde_json::from_str(&text(&client_id, &secret)).unwrap();
            prop_assert_eq!(&parsed["client_id"], &client_id);
            prop_assert_eq!(&parsed["client_secret"], &secret);
        }
    }
}
