use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;

use super::*;

const NOON: &str = "2030-01-31T12:00:05Z";
const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

fn times(variable: Option<&str>) -> (String, String) {
    let zone = Zone::named(variable.map(OsStr::new));
    (zone.day(NOON), zone.time_of_day(NOON))
}

#[test]
fn time_is_told_in_the_zone_that_the_variable_names() {
    for (variable, day, time) in [
        ("UTC0", "2030-01-31", "12:00:05"),
        ("XYZ-13", "2030-02-01", "01:00:05"),
        ("<-0330>3:30", "2030-01-31", "08:30:05"),
        (BERLIN, "2030-01-31", "13:00:05"),
        (&format!(":{BERLIN}"), "2030-01-31", "13:00:05"),
    ] {
        assert_eq!(times(Some(variable)), (day.to_owned(), time.to_owned()), "{variable}");
    }
}

#[test]
fn a_zone_that_is_unknown_is_utc() {
    for variable in
        ["", ":", "No/Where", "/dev/null", "/etc/passwd", "A1", "CET-1CEST", "CET-1CEST,M13.1.0,0"]
    {
        assert_eq!(times(Some(variable)).1, "12:00:05", "{variable}");
    }
}

#[test]
fn what_is_no_time_is_not_shown() {
    let zone = Zone::named(Some(OsStr::new("UTC0")));
    for text in [
        "",
        "\u{1b}[2J",
        "2030-01-31",
        "2030-02-30T00:00:00Z",
        "2030-01-01T24:00:00Z",
        "+030-01-01T00:00:00Z",
    ] {
        assert_eq!(
            (zone.day(text), zone.time_of_day(text)),
            ("?".to_owned(), "??:??:??".to_owned()),
            "{text}"
        );
    }
}

/// A zone's file with two changes, and this rule after them.
fn file(rule: &str) -> Vec<u8> {
    let head = |counts: [u32; 6]| {
        let counts = counts.into_iter().flat_map(u32::to_be_bytes);
        [b"TZif2".as_slice(), &[0; 15]].concat().into_iter().chain(counts).collect::<Vec<u8>>()
    };
    let kind = |ahead: i32, is_summer: u8, name: u8| [&ahead.to_be_bytes()[..], &[is_summer, name]].concat();
    [
        head([0, 0, 0, 0, 1, 4]),
        [kind(0, 0, 0), b"LMT\0".to_vec()].concat(),
        head([0, 0, 0, 2, 3, 13]),
        [-2_422_054_408_i64, 1_000_000_000].into_iter().flat_map(i64::to_be_bytes).collect(),
        vec![1, 2],
        [kind(3_208, 0, 0), kind(3_600, 0, 4), kind(7_200, 1, 8)].concat(),
        b"LMT\0CET\0CEST\0".to_vec(),
        format!("\n{rule}\n").into_bytes(),
    ]
    .concat()
}

fn by_the_library(zone: &TimeZone, epoch: i64) -> i64 {
    zone.to_offset(Timestamp::from_second(epoch).unwrap()).seconds().into()
}

#[test]
fn a_file_that_is_cut_or_of_another_kind_is_no_zone() {
    let whole = file(BERLIN);
    assert!(tzif::parse(&whole).is_some());
    let end_of_block = whole.len() - BERLIN.len() - 2;
    for length in 0..end_of_block {
        assert!(tzif::parse(&whole[..length]).is_none(), "{length}");
    }
    for (place, byte) in [(0, b't'), (4, b'\0'), (5 + 15 + 12, 0xff)] {
        let mut other = whole.clone();
        other[place] = byte;
        assert!(tzif::parse(&other).is_none(), "{place}");
    }
}

#[test]
fn days_are_counted_as_the_calendar_has_them() {
    for day in -200_000..200_000 {
        let civil = Civil::new(day * civil::DAY);
        let text = format!("{}T00:00:00Z", civil.day());
        assert_eq!(
            Civil::parse(&text).filter(|_| civil.year() > 0),
            Some(civil).filter(|_| civil.year() > 0),
            "{text}"
        );
    }
}

fn turn() -> impl Strategy<Value = String> {
    let day = prop_oneof![
        (1..=12, 1..=5, 0..=6).prop_map(|(month, week, weekday)| format!("M{month}.{week}.{weekday}")),
        (10..=350).prop_map(|day| format!("J{day}")),
        (10..=350).prop_map(|day: i32| day.to_string()),
    ];
    (day, prop_oneof![Just(String::new()), (0..24).prop_map(|hour| format!("/{hour}"))])
        .prop_map(|(day, time)| day + &time)
}

fn rule() -> impl Strategy<Value = String> {
    let standard = (-12..=14, prop_oneof![Just(""), Just(":30"), Just(":45:30")]);
    let summer = prop_oneof![
        Just(String::new()),
        (turn(), turn()).prop_map(|(begins, ends)| format!("SUM,{begins},{ends}")),
        (turn(), turn()).prop_map(|(begins, ends)| format!("<+99>-2:30,{begins},{ends}")),
    ];
    (standard, summer).prop_map(|((hours, minutes), summer)| format!("STD{hours}{minutes}{summer}"))
}

proptest! {
    #[test]
    fn a_rule_means_what_the_library_takes_it_for(rule in rule(), epoch in -2_000_000_000_i64..8_000_000_000) {
        let ours = Zone::named(Some(OsStr::new(&rule)));
        let library = TimeZone::posix(&rule).unwrap();
        prop_assert_eq!(ours.ahead_at(epoch), by_the_library(&library, epoch), "{}", rule);
    }

    #[test]
    fn a_file_means_what_the_library_takes_it_for(epoch in -3_000_000_000_i64..8_000_000_000) {
        let ours = tzif::parse(&file(BERLIN)).unwrap();
        let library = TimeZone::tzif("", &file(BERLIN)).unwrap();
        prop_assert_eq!(ours.ahead_at(epoch), by_the_library(&library, epoch));
    }

    #[test]
    fn a_time_is_told_as_the_library_tells_it(epoch in 0_i64..200_000_000_000) {
        let utc = Timestamp::from_second(epoch).unwrap().to_string();
        let library = TimeZone::posix(BERLIN).unwrap().to_datetime(Timestamp::from_second(epoch).unwrap());
        let ours = Zone::named(Some(OsStr::new(BERLIN)));
        prop_assert_eq!(format!("{}T{}", ours.day(&utc), ours.time_of_day(&utc)), library.to_string());
    }

    #[test]
    fn no_bytes_and_no_text_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,40}") {
        let mut file = file("UTC0");
        for (place, byte) in bytes.iter().enumerate() {
            file[place * 7 % 150] = *byte;
        }
        for zone in [tzif::parse(&bytes), tzif::parse(&file), Some(Zone::named(Some(OsStr::new(&text))))] {
            let _epoch = zone.map(|zone| (zone.ahead_at(i64::MIN), zone.ahead_at(i64::MAX), zone.day(&text)));
        }
    }
}
