# Ends every process of the uids that are its arguments: takes each as its effective uid alone, and signals whatever that may
# signal. Perl, since Debian has it everywhere (perl-base), and node of Debian 13 takes no other uid.
use strict;
use warnings;

# Root, and whoever has CAP_KILL, would end every process of the host.
die "it must not run as root\n" if $< == 0 || $> == 0;
open(my $status, '<', '/proc/self/status') or die "/proc/self/status: $!\n";
my ($capabilities) = map { /^CapEff:\s*([0-9a-f]+)$/ ? hex $1 : () } <$status>;
die "it must run with CAP_SETUID and no other capability\n" unless $capabilities == 0x80;
for my $uid (@ARGV) { die "expected uids greater than 0, but found '@ARGV'\n" unless $uid =~ /^[1-9][0-9]{0,9}$/; }

# A process that leaves one of the uids for another between two signals is reached by the next ones.
for my $sweep (1 .. 3) {
  for my $uid (@ARGV) {
    $! = 0;
    $> = $uid;
    die "uid $uid cannot be taken: $!\n" unless $> == $uid;
    # The kernel leaves out the sender. There may be nothing (any more) that it may signal.
    kill('KILL', -1) or $!{ESRCH} or $!{EPERM} or die "uid $uid: $!\n";
  }
}
