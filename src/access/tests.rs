use super::*;
use crate::limits::GUESSES_PER_ADDRESS;
use tempfile::TempDir;

const HOME: &str = "192.168.1.5";
const FAR: &str = "8.8.8.8";

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn access(folder: &TempDir) -> Access {
    Access::open(Mode::Owner, Vec::new(), folder.path())
}

fn by_session(access: &Access, secret: &str) -> Who {
    access.who(Shown { session: Some(secret), ..Shown::default() }, address(HOME))
}

#[track_caller]
fn denied(access: &Access, need: Need, who: &Who, from: &str) -> Option<Denied> {
    access.permit(need, who, address(from)).err()
}

#[test]
fn until_it_is_claimed_people_watch_and_nothing_can_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    let nobody = Who::default();
    assert_eq!(denied(&access, Need::Nothing, &nobody, FAR), None);
    assert_eq!(denied(&access, Need::Watch, &nobody, HOME), None);
    assert_eq!(denied(&access, Need::Watch, &nobody, FAR), Some(Denied::FarAway));
    assert_eq!(denied(&access, Need::Own, &nobody, HOME), Some(Denied::Unclaimed));
    assert!(matches!(access.claim("open sesame", "", address(FAR)), Err(ChangeError::FarAway)));
    assert!(matches!(access.claim("short", "", address(HOME)), Err(ChangeError::Password(_))));
    assert!(!access.is_claimed());
    let secret = access.claim("open sesame", "Firefox", address(HOME)).unwrap();
    let owner = by_session(&access, secret.reveal());
    assert_eq!(owner.role, Some(Role::Owner));
    assert_eq!(denied(&access, Need::Own, &owner, FAR), None);
    assert_eq!(denied(&access, Need::Own, &nobody, HOME), Some(Denied::SignIn));
    assert!(matches!(access.claim("another one", "", address(HOME)), Err(ChangeError::Claimed)));
}

#[test]
fn owner_sessions_and_tokens_survive_a_restart_and_secrets_are_not_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (session, token) = {
        let access = access(&folder);
        let session = access.claim("open sesame", "Firefox", address(HOME)).unwrap();
        let (token, _) = access.make_token("Kodi", Role::Viewer).unwrap().unwrap();
        (session, token)
    };
    let access = access(&folder);
    assert_eq!(by_session(&access, session.reveal()).role, Some(Role::Owner));
    let shown = Shown { bearer: Some(token.reveal()), ..Shown::default() };
    assert_eq!(access.who(shown, address(HOME)).role, Some(Role::Viewer));
    assert_eq!(access.sign_in("open sesame", "", address(HOME)).unwrap().0, Role::Owner);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for secret in ["open sesame", session.reveal(), token.reveal()] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn a_broken_file_is_no_invitation_to_take_the_server_over() {
    let folder = tempfile::tempdir().unwrap();
    access(&folder).claim("open sesame", "", address(HOME)).unwrap();
    let file = folder.path().join("access.json");
    std::fs::write(&file, "{\"owner\":").unwrap();
    let access = access(&folder);
    assert!(access.is_claimed());
    assert_eq!(denied(&access, Need::Own, &Who::default(), HOME), Some(Denied::Locked));
    assert!(matches!(access.claim("open sesame", "", address(HOME)), Err(ChangeError::Claimed)));
    assert!(matches!(
        access.sign_in("open sesame", "", address(HOME)),
        Err(SignInError::Denied(Denied::Locked))
    ));
    // The way out that needs the card.
    access.forget_owner().unwrap();
    access.claim("open sesame 2", "", address(HOME)).unwrap();
}

#[test]
fn guessing_is_slow_for_whoever_guesses_and_for_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    access.claim("open sesame", "", address(HOME)).unwrap();
    for _ in 0..GUESSES_PER_ADDRESS {
        assert!(matches!(access.sign_in("guess guess", "", address("10.0.0.1")), Err(SignInError::Wrong)));
    }
    // The right one does not help any more, so that nothing is learnt.
    for password in ["guess guess", "open sesame"] {
        assert!(matches!(access.sign_in(password, "", address("10.0.0.1")), Err(SignInError::TooOften(_))));
    }
    assert!(access.sign_in("open sesame", "", address(HOME)).is_ok());
}

#[test]
fn viewers_are_free_or_have_a_password_a_token_or_an_address_with_one() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    let owner = access.claim("open sesame", "", address(HOME)).unwrap();
    assert!(access.link().is_none());
    access.set_viewers(Some("watch watch")).unwrap();
    let nobody = Who::default();
    assert_eq!(denied(&access, Need::Watch, &nobody, HOME), Some(Denied::SignInToWatch));
    assert_eq!(denied(&access, Need::Watch, &by_session(&access, owner.reveal()), HOME), None);
    let (role, viewer) = access.sign_in("watch watch", "TV", address(HOME)).unwrap();
    assert_eq!(role, Role::Viewer);
    let viewer = by_session(&access, viewer.reveal());
    assert_eq!(denied(&access, Need::Watch, &viewer, FAR), None);
    assert_eq!(denied(&access, Need::Own, &viewer, HOME), Some(Denied::NotOwner));
    let (owners_token, _) = access.make_token("script", Role::Owner).unwrap().unwrap();
    let link = access.link().unwrap();
    for link in [link.as_str(), owners_token.reveal()] {
        let who = access.who(Shown { link: Some(link), ..Shown::default() }, address(HOME));
        assert_eq!(who.role, Some(Role::Viewer), "an address opens nothing but what is watched");
    }
    let own = access.own_token().unwrap().to_owned();
    let itself = access.who(Shown { bearer: Some(&own), ..Shown::default() }, address("127.0.0.1"));
    assert_eq!(denied(&access, Need::Watch, &itself, "127.0.0.1"), None);
    access.set_viewers(None).unwrap();
    let who = access.who(Shown { link: Some(&link), ..Shown::default() }, address(FAR));
    assert_eq!(denied(&access, Need::Watch, &who, FAR), Some(Denied::FarAway));
}

#[test]
fn another_password_ends_the_other_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    let first = access.claim("open sesame", "", address(HOME)).unwrap();
    let (_, second) = access.sign_in("open sesame", "", address(HOME)).unwrap();
    let me = by_session(&access, second.reveal()).session.unwrap();
    let change = |present| access.change_password(present, "sesame open", Some(&me), address(HOME));
    assert!(matches!(change("wrong wrong"), Err(ChangeError::SignIn(SignInError::Wrong))));
    change("open sesame").unwrap();
    assert_eq!(by_session(&access, first.reveal()).role, None);
    assert_eq!(by_session(&access, second.reveal()).role, Some(Role::Owner));
    assert!(access.sign_in("open sesame", "", address(HOME)).is_err());
    access.sign_out(second.reveal());
    assert_eq!(by_session(&access, second.reveal()).role, None);
}

#[test]
fn what_cannot_be_kept_is_not_so() {
    let folder = tempfile::tempdir().unwrap();
    let access = Access::open(Mode::Owner, Vec::new(), &folder.path().join("no/such"));
    std::fs::write(folder.path().join("no"), "a file in the way").unwrap();
    assert!(matches!(access.claim("open sesame", "", address(HOME)), Err(ChangeError::NotKept(_))));
    assert!(!access.is_claimed());
}

#[test]
fn an_open_server_is_everybodys() {
    let access = Access::everybody();
    let who = access.who(Shown::default(), address(FAR));
    assert_eq!(who.role, Some(Role::Owner));
    assert_eq!(denied(&access, Need::Own, &Who::default(), FAR), None);
}
