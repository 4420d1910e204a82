# The first process of the box: builds a root of its own over this machine's, then becomes systemd.
# Arguments: an empty directory; then NAME=DIRECTORY for each directory to be seen inside as /run/host/NAME.
set -eu
space=$1
shift
root=$space/root

# Whatever is mounted from here on is seen by nobody outside, and is gone with the last process inside.
mount --make-rprivate /
mount -t tmpfs -o mode=755 box "$space"
mkdir "$space/changes" "$space/scratch" "$root"
mount -t overlay -o "lowerdir=/,upperdir=$space/changes,workdir=$space/scratch" box "$root"

mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"

mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
node() { mknod -m 666 "$root/dev/$1" c "$2" "$3"; }
node null 1 3
node zero 1 5
node full 1 7
node random 1 8
node urandom 1 9
node tty 5 0

for share; do
  mkdir -p "$root/run/host/${share%%=*}"
  mount --bind "${share#*=}" "$root/run/host/${share%%=*}"
done

# Units that would reach for the kernel, which is not ours alone, or wait for a terminal that is not there.
mkdir -p "$root/run/systemd/system"
for unit in systemd-sysctl systemd-modules-load systemd-binfmt systemd-remount-fs systemd-random-seed systemd-sysusers \
  systemd-tmpfiles-setup-dev systemd-udevd systemd-udev-trigger systemd-update-utmp systemd-journal-flush getty@; do
  ln -s /dev/null "$root/run/systemd/system/$unit.service"
done

ip link set lo up
cd "$root"
mkdir -p .outside
pivot_root . .outside
umount --lazy /.outside
# systemd hands credentials and private directories to services by mounts that must spread.
mount --make-rshared /
exec env -i container=box PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=basic.target --log-target=journal --show-status=0
