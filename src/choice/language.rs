//! Languages, as files and people name them: `de`, `deu`, `ger`, `de-AT`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A language: ISO 639-1 where that has a code, otherwise ISO 639-2. Regions and scripts are left out: who
/// wants German takes Austrian.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

/// A text that names no language.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("\"{0}\" is no language; write its code of two or three letters, such as en, de or fra")]
pub struct LanguageError(String);

/// Longest tag that BCP 47 asks software to take (4.4.1).
const MAX_TAG: usize = 35;

/// ISO 639-2 (both of its codes, where it has two) and ISO 639-1 of each language that has both.
const CODES: &str = "aar aa abk ab afr af aka ak alb sq sqi sq amh am ara ar arg an arm hy hye hy asm as ava av \
    ave ae aym ay aze az bak ba bam bm baq eu eus eu bel be ben bn bih bh bis bi bos bs bre br bul bg bur my mya my \
    cat ca cha ch che ce chi zh zho zh chu cu chv cv cor kw cos co cre cr cze cs ces cs dan da deu de div dv dut nl \
    dzo dz ell el eng en epo eo est et ewe ee fao fo fas fa fij fj fin fi fra fr fre fr fry fy ful ff geo ka kat ka \
    ger de gla gd gle ga glg gl glv gv gre el grn gn guj gu hat ht hau ha heb he her hz hin hi hmo ho hrv hr hun hu \
    ibo ig ice is isl is ido io iii ii iku iu ile ie ina ia ind id ipk ik ita it jav jv jpn ja kal kl kan kn kas ks \
    kau kr kaz kk khm km kik ki kin rw kir ky kom kv kon kg kor ko kua kj kur ku lao lo lat la lav lv lim li lin ln \
    lit lt ltz lb lub lu lug lg mac mk mkd mk mah mh mal ml mao mi mri mi mar mr may ms msa ms mlg mg mlt mt mon mn \
    nau na nav nv nbl nr nde nd ndo ng nep ne nld nl nno nn nob nb nor no nya ny oci oc oji oj ori or orm om oss os \
    pan pa per fa pli pi pol pl por pt pus ps que qu roh rm ron ro rum ro run rn rus ru sag sg san sa sin si slk sk \
    slo sk slv sl sme se smo sm sna sn snd sd som so sot st spa es srd sc srp sr ssw ss sun su swa sw swe sv tah ty \
    tam ta tat tt tel te tgk tg tgl tl tha th tib bo bod bo tir ti ton to tsn tn tso ts tuk tk tur tr twi tw uig ug \
    ukr uk urd ur uzb uz ven ve vie vi vol vo wel cy cym cy wln wa wol wo xho xh yid yi yor yo zha za zul zu";

impl Language {
    /// From a code of two or three letters, in any case; what stands behind a hyphen (or an underscore, as
    /// some files have it) is left out.
    ///
    /// ```
    /// use wiidiaserver::choice::Language;
    /// assert_eq!(Language::parse("ger"), Language::parse("de-AT"));
    /// assert!(Language::parse("German").is_err());
    /// ```
    ///
    /// # Errors
    /// When it is no such code, or `und`: nobody knows.
    pub fn parse(text: &str) -> Result<Self, LanguageError> {
        let wrong = || LanguageError(text.chars().filter(|c| !c.is_control()).take(MAX_TAG).collect());
        let code = text.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let letters = matches!(code.len(), 2 | 3) && code.bytes().all(|byte| byte.is_ascii_lowercase());
        let rest = text.len() <= MAX_TAG
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !letters || !rest || code == "und" {
            return Err(wrong());
        }
        let mut codes = CODES.split_ascii_whitespace();
        while let (Some(three), Some(two)) = (codes.next(), codes.next()) {
            if three == code {
                return Ok(Self(two.to_owned()));
            }
        }
        Ok(Self(code))
    }

    /// Its code.
    pub fn code(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Language {
    type Error = LanguageError;

    fn try_from(text: String) -> Result<Self, LanguageError> {
        Self::parse(&text)
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_the_same_in_two_letters_and_three() {
        for (one, other, same) in [
            ("de", "ger", true),
            ("deu", "de", true),
            ("eng", "en-GB", true),
            ("EN", "en_US", true),
            ("spa", "es", true),
            ("swe", "es", false),
            ("est", "es", false),
            ("en", "de", false),
            ("gsw", "gsw", true),
        ] {
            assert_eq!(Language::parse(one) == Language::parse(other), same, "{one} {other}");
            assert!(Language::parse(one).is_ok(), "{one}");
        }
    }

    #[test]
    fn the_table_has_pairs_of_three_and_two_letters() {
        let codes: Vec<&str> = CODES.split_ascii_whitespace().collect();
        assert!(codes.len().is_multiple_of(2));
        for pair in codes.chunks(2) {
            assert_eq!((pair[0].len(), pair[1].len()), (3, 2), "{pair:?}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for wrong in ["", "d", "german", "d1", "und", "de\n", "de;x", "dé", &"de-x".repeat(20), "-", "0"] {
            assert!(Language::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
