//! How people order and find names: numbers by value, letters without case and accents.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use unicode_normalization::UnicodeNormalization;

/// A text as it is compared: small letters without accents, compatible forms (`①`, full width) as what they stand for,
/// and composed and decomposed characters alike (file systems differ in that). `Größe` becomes `grosse`.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_accent(*c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            // What lower case brings with it: İ is an i and a dot.
            c if is_accent(c) => {}
            c => folded.push(c),
        }
    }
    folded
}

/// The accents of Latin, Greek and Cyrillic. Marks of other scripts are letters of their own.
fn is_accent(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// The place of a name in an order that people expect, as bytes that compare like it. The name's own bytes decide ties.
///
/// ```text
///  Film 09b   f i l m ␣ '0' 0 1 '9' b  NUL  F i l m ␣ 0 9 b
///                       └ number: its length in digits, then these
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SortKey(Box<[u8]>);

impl SortKey {
    /// Of a name as the file system has it.
    pub fn of(name: &OsStr) -> Self {
        let folded = fold(&name.to_string_lossy());
        let mut key = Vec::with_capacity(2 * folded.len() + 4);
        let mut rest = folded.as_bytes();
        while let Some(first) = rest.first() {
            if !first.is_ascii_digit() {
                key.push(*first);
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            let zeros = number.iter().take_while(|digit| **digit == b'0').count();
            let number = &number[zeros..];
            key.push(b'0');
            // Names are at most some thousand bytes long.
            key.extend(u16::try_from(number.len()).unwrap_or(u16::MAX).to_be_bytes());
            key.extend_from_slice(number);
            rest = after;
        }
        // Less than anything that a name can go on with.
        key.push(0);
        key.extend_from_slice(name.as_bytes());
        Self(key.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cmp::Ordering;

    fn compare_naturally(a: &str, b: &str) -> Ordering {
        SortKey::of(OsStr::new(a)).cmp(&SortKey::of(OsStr::new(b)))
    }

    #[test]
    fn names_sort_as_people_sort_them() {
        let mut names = [
            "zebra", "b", "a10", "A2", "a 1", "Film 10", "film 9", "film 09b", "É", "Ä5", "a", "10", "9",
            "e2",
        ];
        names.sort_by(|a, b| compare_naturally(a, b));
        let expected = [
            "9", "10", "a", "a 1", "A2", "Ä5", "a10", "b", "É", "e2", "film 9", "film 09b", "Film 10",
            "zebra",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn what_people_take_for_the_same_letters_is_the_same() {
        for (text, folded) in [
            ("Größe & Maß", "grosse & mass"),
            ("Ångström", "angstrom"),
            ("A\u{30a}ngstro\u{308}m", "angstrom"),
            ("ŁÓDŹ Ørsted", "lodz orsted"),
            ("İstanbul ISPARTA", "istanbul isparta"),
            ("ＦＵＬＬ １２ ②", "full 12 2"),
            ("Ёлка", "елка"),
            ("テスト", "テスト"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in "[a-cA-C0-3 ä]{0,6}", b in "[a-cA-C0-3 ä]{0,6}", c in "[a-cA-C0-3 ä]{0,6}") {
            prop_assert_eq!(compare_naturally(&a, &b), compare_naturally(&b, &a).reverse());
            if compare_naturally(&a, &b).is_le() && compare_naturally(&b, &c).is_le() {
                prop_assert!(compare_naturally(&a, &c).is_le());
            }
            prop_assert_eq!(compare_naturally(&a, &b) == Ordering::Equal, a == b);
        }

        #[test]
        fn folding_again_changes_nothing(text in any::<String>()) {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }

        #[test]
        fn numbers_sort_by_value(a in any::<u32>(), b in any::<u32>()) {
            prop_assume!(a != b);
            prop_assert_eq!(compare_naturally(&format!("film {a}.avi"), &format!("film {b}.avi")), a.cmp(&b));
        }
    }
}
