use super::*;
use std::fs;
use std::os::unix::fs::symlink;

const ONE: (&str, &str) = (include_str!("one.crt"), include_str!("one.key"));
const TWO: (&str, &str) = (include_str!("two.crt"), include_str!("two.key"));

fn with_token(text: &str) -> Result<Access, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, text).unwrap();
    Access::read(&AccessFiles { bearer_token: Some(path), tls: None })
}

/// Files in a folder.
fn in_folder(folder: &Path) -> AccessFiles {
    let tls = Some((folder.join("tls.crt"), folder.join("tls.key")));
    AccessFiles { tls, bearer_token: Some(folder.join("token")) }
}

/// Puts these into a folder.
fn put(folder: &Path, (certificate, key): (&str, &str), token: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("tls.crt"), certificate).unwrap();
    fs::write(folder.join("tls.key"), key).unwrap();
    fs::write(folder.join("token"), token).unwrap();
}

/// Whether TLS is spoken as before.
fn is_same_tls(access: &Access, before: &TlsAcceptor) -> bool {
    Arc::ptr_eq(access.tls().unwrap().config(), before.config())
}

#[test]
fn only_the_token_opens() {
    let access = with_token("secret-1\n").unwrap();
    assert!(access.allows(Some(b"Bearer secret-1")));
    assert!(access.allows(Some(b"bearer secret-1")));
    for wrong in ["Bearer secret-", "Bearer secret-12", "Basic secret-1", "secret-1", "Bearer ", ""]
    {
        assert!(!access.allows(Some(wrong.as_bytes())), "{wrong}");
    }
    assert!(!access.allows(None));
}

#[test]
fn without_a_token_it_is_open() {
    assert!(Access::read(&AccessFiles::default()).unwrap().allows(None));
}

#[test]
fn what_is_no_token_is_refused_and_the_old_one_holds() {
    for wrong in ["", "\n", "two words", "caf\u{e9}"] {
        assert!(with_token(wrong).is_err(), "{wrong:?}");
    }
    let access = with_token("old").unwrap();
    let missing = AccessFiles { bearer_token: Some("/nonexistent/token".into()), tls: None };
    let failure = access.reload(&missing).unwrap_err();
    assert!(failure.to_string().contains("/nonexistent/token"), "{failure}");
    assert!(access.allows(Some(b"Bearer old")) && !access.allows(None));
}

#[test]
fn each_file_is_read_once() {
    // Every read of this file gives another text, as one that is replaced between two reads.
    let path = PathBuf::from("/proc/sys/kernel/random/uuid");
    let files = AccessFiles { bearer_token: Some(path.clone()), tls: None };
    let rules = Access::read(&files).unwrap().rules();
    let token = Text { path, text: Ok(format!("{}\n", rules.token.unwrap())) };
    assert_eq!(rules.digest, Contents { tls: None, token: Some(token) }.digest());
}

#[test]
fn files_that_change_together_are_used_as_soon_as_they_are_there() {
    // As the kubelet mounts a secret: the files are links through `..data`, which it swaps.
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put(&folder.join("..1"), ONE, "one");
    symlink("..1", folder.join("..data")).unwrap();
    for name in ["tls.crt", "tls.key", "token"] {
        symlink(Path::new("..data").join(name), folder.join(name)).unwrap();
    }
    let files = in_folder(folder);
    let access = Access::read(&files).unwrap();
    let before = access.tls().unwrap();
    assert!(!access.refresh(&files).unwrap() && is_same_tls(&access, &before));

    put(&folder.join("..2"), TWO, "two");
    symlink("..2", folder.join("..new")).unwrap();
    fs::rename(folder.join("..new"), folder.join("..data")).unwrap();
    assert!(access.refresh(&files).unwrap());
    assert!(!is_same_tls(&access, &before) && access.allows(Some(b"Bearer two")));
    assert!(!access.refresh(&files).unwrap());
}

#[test]
fn a_certificate_without_its_key_is_refused_once_and_the_old_pair_holds() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put(folder, ONE, "one");
    let files = in_folder(folder);
    let access = Access::read(&files).unwrap();
    let before = access.tls().unwrap();

    let half = &TWO.0[..TWO.0.len() / 2];
    for (pair, why) in [((half, ONE.1), "tls.crt"), ((TWO.0, ONE.1), "not for the certificate")] {
        put(folder, pair, "one");
        let failure = access.refresh(&files).unwrap_err();
        assert!(failure.to_string().contains(why), "{failure}");
        assert!(!access.refresh(&files).unwrap(), "each change is reported once");
        assert!(is_same_tls(&access, &before) && access.allows(Some(b"Bearer one")));
    }
    fs::remove_file(folder.join("tls.key")).unwrap();
    let failure = access.refresh(&files).unwrap_err();
    assert!(failure.to_string().contains("tls.key"), "{failure}");

    put(folder, TWO, "one");
    assert!(access.refresh(&files).unwrap() && !is_same_tls(&access, &before));
}

#[test]
fn a_change_that_is_taken_back_is_no_change() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put(folder, ONE, "one");
    let files = in_folder(folder);
    let access = Access::read(&files).unwrap();
    put(folder, ONE, "two words");
    access.refresh(&files).unwrap_err();
    put(folder, ONE, "one");
    assert!(!access.refresh(&files).unwrap());
    put(folder, ONE, "two words");
    assert!(access.refresh(&files).is_err(), "a new change is reported again");
}
