//! `/proc/PID/cgroup`: where a process belongs, and which container that is.

/// The digits of an id that a container runtime gives.
const ID_DIGITS: usize = 64;
/// What runtimes put before a container's id or name in the name of a systemd unit.
const RUNTIMES: [&str; 7] =
    ["runc-", "crun-", "docker-", "cri-containerd-", "crio-", "libpod-", "nerdctl-"];
/// What ends the names of systemd's own groups: these are no containers' names.
const UNITS: [&str; 6] = [".service", ".slice", ".scope", ".mount", ".socket", ".swap"];

/// The path that tells most: of the one hierarchy of cgroup v2, unless everything is at its root, as on
/// machines where v1 is still what is used; then systemd's; then any.
pub(super) fn path(text: &str) -> &str {
    let mut best = (0, "/");
    for (controllers, path) in lines(text) {
        let rank = match controllers {
            _ if path == "/" => 0,
            "" => 3,
            "name=systemd" => 2,
            _ => 1,
        };
        if rank > best.0 {
            best = (rank, path);
        }
    }
    best.1
}

/// The id of the innermost container that the control groups name.
///
/// A container that may make groups of its own can name them like another one. The innermost is right all
/// the same: Kubernetes' nodes are themselves containers in test clusters.
pub(crate) fn container_id(text: &str) -> Option<String> {
    let paths = std::iter::once(path(text)).chain(lines(text).map(|(_, path)| path));
    paths
        .filter(|path| !is_monitor(path))
        .find_map(|path| path.rsplit('/').find_map(id_in))
        .map(str::to_owned)
}

/// The name of a container that has no id, as plain runc's have none. Only for a process that is known to
/// live apart: any group's last part looks like a name.
pub(super) fn container_name(path: &str) -> Option<String> {
    let last = path.rsplit('/').next().filter(|last| !last.is_empty())?;
    if is_monitor(path) {
        return None;
    }
    if let Some(unit) = last.strip_suffix(".scope") {
        // The unit's name without the runtime's; what is behind the last such prefix.
        let name = RUNTIMES.iter().find_map(|runtime| unit.strip_prefix(runtime))?;
        return (!name.is_empty()).then(|| name.to_owned());
    }
    let is_unit = UNITS.iter().any(|suffix| last.ends_with(suffix));
    (!is_unit).then(|| last.to_owned())
}

/// The process beside a container that waits for its end. Its group bears the container's id.
fn is_monitor(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|last| last.contains("-conmon-"))
}

/// `ID:CONTROLLERS:PATH`, of either version.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        Some((fields.next()?, fields.next()?))
    })
}

/// Exactly that many hexadecimal digits between other characters.
fn id_in(component: &str) -> Option<&str> {
    component
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| word.len() == ID_DIGITS && word.bytes().all(is_hex_digit))
}

fn is_hex_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const B: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

    #[test]
    fn ids_are_found_wherever_runtimes_put_them() {
        for line in [
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-ID.scope",
            "0::/kubepods.slice/kubepods-pod1_2.slice/crio-ID.scope",
            "0::/kubepods.slice/kubepods-pod1_2.slice/crio-ID.scope/container",
            "0::/system.slice/docker-ID.scope",
            "0::/docker/ID",
            "0::/docker/ID/init.scope",
            "0::/kubepods/burstable/pod0f/ID",
            "0::/../../kubepods-pod1_2.slice/cri-containerd-ID.scope",
            "0::/machine.slice/libpod-ID.scope/container",
            "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope",
            "0::/system.slice/containerd.service/kubepods-besteffort-pod1.slice:cri-containerd:ID",
            "0::/ecs/task/ID",
            "12:memory:/docker/ID\n1:name=systemd:/docker/ID",
            "9:name=systemd:/\n4:memory:/kubepods/besteffort/pod1/ID\n0::/",
            "0::/system.slice/containerd.service\n4:memory:/kubepods/pod1/ID",
        ] {
            let text = line.replace("ID", A);
            assert_eq!(container_id(&text).as_deref(), Some(A), "{line}");
        }
    }

    #[test]
    fn of_nested_containers_the_inner_one_counts() {
        let text =
            format!("0::/docker/{A}/kubelet.slice/kubelet-pod1.slice/cri-containerd-{B}.scope");
        assert_eq!(container_id(&text).as_deref(), Some(B));
    }

    #[test]
    fn what_is_no_container_has_no_id() {
        let monitor = format!("0::/machine.slice/libpod-conmon-{A}.scope");
        let long = format!("0::/docker/{A}0");
        let upper = format!("0::/docker/{}", A.to_uppercase());
        for text in [
            "",
            "0::/",
            "nonsense",
            "0::/system.slice/nginx.service",
            "4:memory:/jobs/67ab761a77476940145ddff6e1a28797",
            &monitor,
            &long,
            &upper,
        ] {
            assert_eq!(container_id(text), None, "{text}");
        }
    }

    #[test]
    fn the_path_is_of_the_hierarchy_that_tells_most() {
        for (text, expected) in [
            ("0::/a", "/a"),
            ("4:memory:/m\n1:name=systemd:/s\n0::/u", "/u"),
            ("4:memory:/m\n1:name=systemd:/s\n0::/", "/s"),
            ("9:name=systemd:/\n4:memory:/m\n3:cpu:/c\n0::/", "/m"),
            ("0::/with:colon", "/with:colon"),
            ("0::/", "/"),
            ("", "/"),
        ] {
            assert_eq!(path(text), expected, "{text}");
        }
    }

    #[test]
    fn plain_containers_are_known_by_their_group() {
        for (path, expected) in [
            ("/plain-one", Some("plain-one")),
            ("/jobs/67ab/plain-one", Some("plain-one")),
            ("/user.slice/runc-web.scope", Some("web")),
            ("/system.slice/runc-.scope", None),
            // A service with a private /tmp has a mount namespace of its own.
            ("/system.slice/nginx.service", None),
            ("/user.slice/user-1000.slice/session-3.scope", None),
            ("/system.slice/libpod-conmon-web.scope", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(container_name(path).as_deref(), expected, "{path}");
        }
    }
}
