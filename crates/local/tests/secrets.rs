//! What the types that hold secrets cannot do. An inherent constant wins over that of a trait, so that each of these
//! asks the compiler whether a type has a trait; that the question is well put, `String` shows, which has them all.

use std::{borrow::Borrow, fmt, marker::PhantomData, ops::Deref};

use airbyte_token_core::{AccessToken, Secret, Token};
use airbyte_token_local::wire::ProfileRequest;
use serde::{Serialize, de::DeserializeOwned};

struct Asked<T>(PhantomData<T>);

/// The answer where there is no better one.
trait No {
    const PRINTS: bool = false;
    const SERIALISES: bool = false;
    const DESERIALISES: bool = false;
    const COPIES: bool = false;
    const COMPARES: bool = false;
    const DEREFS: bool = false;
    const LENDS: bool = false;
    const BORROWS: bool = false;
}

impl<T> No for Asked<T> {}

impl<T: fmt::Display> Asked<T> {
    const PRINTS: bool = true;
}

impl<T: Serialize> Asked<T> {
    const SERIALISES: bool = true;
}

impl<T: DeserializeOwned> Asked<T> {
    const DESERIALISES: bool = true;
}

impl<T: Clone> Asked<T> {
    const COPIES: bool = true;
}

impl<T: PartialEq> Asked<T> {
    const COMPARES: bool = true;
}

impl<T: Deref> Asked<T> {
    const DEREFS: bool = true;
}

impl<T: AsRef<str>> Asked<T> {
    const LENDS: bool = true;
}

impl<T: Borrow<str>> Asked<T> {
    const BORROWS: bool = true;
}

macro_rules! answers {
    ($kind:ty) => {
        [
            Asked::<$kind>::PRINTS,
            Asked::<$kind>::SERIALISES,
            Asked::<$kind>::DESERIALISES,
            Asked::<$kind>::COPIES,
            Asked::<$kind>::COMPARES,
            Asked::<$kind>::DEREFS,
            Asked::<$kind>::LENDS,
            Asked::<$kind>::BORROWS,
        ]
    };
}

#[test]
fn a_secret_can_be_neither_printed_nor_serialised_nor_copied_nor_compared_by_mistake() {
    assert_eq!(answers!(Secret), [false; 8]);
    assert_eq!(answers!(AccessToken), [false; 8]);
    assert_eq!(answers!(Token), [false; 8]);
    assert_eq!(answers!(String), [true; 8]);
}

#[test]
fn what_carries_a_secret_does_not_show_it_for_debugging() {
    let body = r#"{"client_id":"the-id","client_secret":"canary-canary-canary"}"#;
    let request: ProfileRequest = serde_json::from_str(body).expect("it is a request");
    assert_eq!(request.client_secret.expose(), "canary-canary-canary");
    let shown = format!("{request:?}");
    assert!(shown.contains("the-id") && !shown.contains("canary"), "{shown}");
}
