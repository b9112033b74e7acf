#!/bin/busybox sh
# The first process of the virtual machine: a server, agents, requests, and on the console what was seen of them.
/bin/busybox mkdir -p /proc /sys /dev /tmp /run /root
/bin/busybox --install -s /bin
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mount -t tmpfs tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
ip link set lo up
# What the kernel itself says would stand between the lines.
dmesg -n 1

# show NAME FILE: the file, between lines that say where it begins and ends.
show() {
    echo "=== $1"
    cat "$2"
    echo
    echo "=== end of $1"
}

# patiently COMMAND...: until it succeeds, for a minute and a half; emulated processors are slow.
patiently() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 180 ] && kill -0 "$agent" || return 1
        sleep 0.5
    done
}

now() { echo "$1: $(cut -d' ' -f1 /proc/uptime) s"; }

ask() {
    curl -sS --max-time 60 --cacert ca.pem --resolve a.test:8443:127.0.0.1 \
        -o /dev/null -w '%{http_version} %{response_code} %{local_port}\n' "$@" https://a.test:8443/
}

# round NAME SOURCE: an agent watches two requests.
round() {
    now "$1 begins"
    wrongdoor run --source "$2" --listen 127.0.0.1:9421 --events /tmp/events --events-of all >/tmp/agent 2>&1 &
    agent=$!
    patiently wget -q -O - http://127.0.0.1:9421/readyz
    now "$1 ready"
    {
        ask --http2
        ask --http1.1 -H 'Host: b.test'
    } >/tmp/curl 2>&1
    # What was seen is written as it comes; a little later it is there.
    sleep 2
    wget -q -O /tmp/metrics http://127.0.0.1:9421/metrics
    kill "$agent"
    wait "$agent"
    echo "$?" >/tmp/exit
    for file in curl agent metrics events exit; do
        show "$1 $file" "/tmp/$file"
        rm -f "/tmp/$file"
    done
}

now booted
uname -r >/tmp/release
show release /tmp/release
cd /scene || exit
nginx -p /scene -c /scene/nginx.conf -e stderr >/tmp/nginx 2>&1 &

round usual ebpf
# Kernels before 6.3 find a TLS object's socket at the beginning of functions, and where that may not be, at a
# tracepoint: the functions' names are taken out of the type information that the agent sees.
cp /sys/kernel/btf/vmlinux /tmp/btf
strings -t d /tmp/btf | grep -E ' tcp_(send|recv)msg$' | while read -r place name; do
    printf '?' | dd of=/tmp/btf bs=1 seek="$place" conv=notrunc 2>/dev/null
done
mount --bind /tmp/btf /sys/kernel/btf/vmlinux
round tracepoint ebpf
umount /sys/kernel/btf/vmlinux
# And without probes.
round packets packets

wrongdoor doctor --format json >/tmp/doctor 2>&1
show doctor /tmp/doctor
show nginx /tmp/nginx
now done
poweroff -f
