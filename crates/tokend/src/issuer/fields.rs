//! A few named fields of a JSON object that may be hostile.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields that were asked for, each as the JSON text it had; `null` counts as absent.
#[derive(Debug)]
pub(super) struct Fields<'a, const N: usize> {
    /// In the order of the names.
    pub(super) values: [Option<&'a RawValue>; N],
    /// The first name that stood there twice: two readers of such an object may see two different ones.
    pub(super) duplicate: Option<&'static str>,
}

/// Reads `json`, which must be one object and nothing after it. Other fields are skipped, whatever is in them.
pub(super) fn read<'a, const N: usize>(json: &'a [u8], names: [&'static str; N]) -> Option<Fields<'a, N>> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let fields = Names(names).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(fields)
}

/// The text of a JSON string.
pub(super) fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// A finite number, written as one or as a string.
pub(super) fn number(raw: &RawValue) -> Option<f64> {
    let quoted = text(raw);
    let digits = quoted.as_deref().map_or(raw.get(), str::trim);
    digits.parse().ok().filter(|number: &f64| number.is_finite())
}

struct Names<const N: usize>([&'static str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for Names<N> {
    type Value = Fields<'de, N>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Names<N> {
    type Value = Fields<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seen = [false; N];
        let mut fields = Fields { values: [None; N], duplicate: None };
        while let Some(key) = map.next_key::<String>()? {
            let Some(at) = self.0.iter().position(|&name| name == key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value: &'de RawValue = map.next_value()?;
            if std::mem::replace(&mut seen[at], true) {
                fields.duplicate.get_or_insert(self.0[at]);
            }
            fields.values[at] = Some(value).filter(|value| value.get() != "null");
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(json: &str) -> Option<Fields<'_, 1>> {
        read(json.as_bytes(), ["a"])
    }

    fn number_in(json: &str) -> Option<f64> {
        number(one(json)?.values[0]?)
    }

    #[test]
    fn only_one_whole_object_is_read() {
        for json in ["", "null", "[1]", r#"["a"]"#, r#"{"a":1"#, r#"{"a":1}x"#, r#"{"a":1}{"a":1}"#, r#""a""#]
        {
            assert!(one(json).is_none(), "{json}");
        }
        assert!(one(" {\"a\" : 1}\r\n").is_some());
    }

    #[test]
    fn a_field_that_stands_there_twice_is_told_however_it_is_spelled() {
        assert_eq!(one(r#"{"a":1,"b":2,"b":2}"#).unwrap().duplicate, None);
        assert_eq!(one(r#"{"a":1,"a":1}"#).unwrap().duplicate, Some("a"));
        assert_eq!(one(r#"{"a":null,"\u0061":1}"#).unwrap().duplicate, Some("a"));
    }

    #[test]
    fn deep_nesting_beside_the_field_does_no_harm() {
        let deep = format!(r#"{{"x":{}{},"a":1}}"#, "[".repeat(20_000), "]".repeat(20_000));
        assert_eq!(number_in(&deep), Some(1.0));
    }

    #[test]
    fn numbers_may_stand_in_strings() {
        for (json, number) in
            [("900", 900.0), ("900.7", 900.7), (r#""900""#, 900.0), (r#"" 9e2 ""#, 900.0), ("-1", -1.0)]
        {
            assert_eq!(number_in(&format!(r#"{{"a":{json}}}"#)), Some(number), "{json}");
        }
    }

    #[test]
    fn what_is_no_finite_number_is_none() {
        for json in [
            "null",
            "true",
            "{}",
            "[900]",
            r#""soon""#,
            r#""""#,
            "1e400",
            r#""inf""#,
            r#""NaN""#,
            r#""0x10""#,
        ] {
            assert_eq!(number_in(&format!(r#"{{"a":{json}}}"#)), None, "{json}");
        }
    }
}
