//! `/proc/PID/cgroup`: where a process belongs, and which container that is.

/// The digits of an id that a container runtime gives.
const ID_DIGITS: usize = 64;
/// The length of a pod's uid, and of a static pod's.
const POD_UID: usize = 36;
const STATIC_UID: usize = 32;
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
pub(super) fn container_id(text: &str) -> Option<String> {
    let paths = std::iter::once(path(text)).chain(lines(text).map(|(_, path)| path));
    paths
        .filter(|path| !is_monitor(path))
        .find_map(|path| path.rsplit('/').find_map(id_in))
        .map(str::to_owned)
}

/// The uid of the pod that the control groups name: of the innermost, for the same reason as a container's id.
///
/// Kubelet's cgroupfs driver writes `pod` and the uid, its systemd driver the same with `_` for `-`. Of a static pod,
/// which the API server does not know by it, the uid is 32 digits.
pub(super) fn pod_uid(text: &str) -> Option<String> {
    let paths = std::iter::once(path(text)).chain(lines(text).map(|(_, path)| path));
    paths.into_iter().find_map(|path| path.rsplit('/').find_map(uid_in))
}

/// `…pod<uid>`, with whatever kubelet and the runtime put around it.
fn uid_in(component: &str) -> Option<String> {
    let starts = component.match_indices("pod").map(|(at, pod)| at + pod.len());
    starts.filter_map(|at| component.get(at..)).find_map(|rest| {
        let end = rest.find(['.', ':']).unwrap_or(rest.len());
        let uid = rest.get(..end)?.replace('_', "-");
        let digits = uid.bytes().filter(|byte| *byte != b'-');
        let is_uid = matches!(uid.len(), STATIC_UID | POD_UID)
            && digits.clone().count() == STATIC_UID
            && digits.clone().all(is_hex_digit);
        is_uid.then_some(uid)
    })
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
    fn pods_are_found_as_either_driver_names_them() {
        const UID: &str = "3f2c0b8e-6d41-4a7f-9c55-0a1b2c3d4e5f";
        for line in [
            // systemd's driver, of every class of service: guaranteed ones have no slice of their own.
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podUNIT.slice/cri-containerd-ID.scope",
            "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podUNIT.slice/crio-ID.scope/container",
            "0::/kubepods.slice/kubepods-podUNIT.slice/docker-ID.scope",
            // cgroupfs' driver.
            "0::/kubepods/burstable/podUID/ID",
            "12:memory:/kubepods/besteffort/podUID/ID\n1:name=systemd:/kubepods/besteffort/podUID/ID",
            "9:name=systemd:/\n4:memory:/kubepods/podUID/ID\n0::/",
            // containerd without systemd's cgroups, on a node with systemd.
            "0::/system.slice/containerd.service/kubepods-besteffort-podUNIT.slice:cri-containerd:ID",
            // kind: the node is a container itself, and kubelet has a root of its own.
            "0::/docker/ID/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-podUNIT.slice/cri-containerd-ID.scope",
            // From inside another cgroup namespace; and below a container's own groups.
            "0::/../../kubepods-podUNIT.slice/cri-containerd-ID.scope",
            "0::/kubepods.slice/kubepods-podUNIT.slice/cri-containerd-ID.scope/init.scope",
        ] {
            let text = line.replace("ID", A).replace(&format!("U{A}"), UID);
            let text = text.replace("UNIT", &UID.replace('-', "_"));
            assert_eq!(pod_uid(&text).as_deref(), Some(UID), "{text}");
            assert_eq!(container_id(&text).as_deref(), Some(A), "{text}");
        }
        let fixed = "c4f1e0d2a3b4c5d6e7f8a9b0c1d2e3f4";
        assert_eq!(pod_uid(&format!("0::/kubepods/pod{fixed}/x")).as_deref(), Some(fixed));
        for text in
            ["0::/user.slice", "0::/kubepods/pod1", "0::/podman/x", "", "0::/podz_1_2-3.slice"]
        {
            assert_eq!(pod_uid(text), None, "{text}");
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
