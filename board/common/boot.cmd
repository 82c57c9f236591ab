# What U-Boot does, on the virtual box and on the Raspberry Pi 3; compiled to boot.scr, of the first partition.
#
# Counts down how often a slot may be started, before it starts it: a system that never gets as far as saying that it is
# good runs out of tries, and the other one is taken. The counters are in the partition bootstate, as a block of 512 bytes
# in U-Boot's own format, and 4096 bytes further once more (rootfs-overlay/usr/lib/wiidia/bootctl reads and writes them).

part start ${devtype} ${devnum} bootstate state_block
setexpr state_copy ${state_block} + 8
# Memory that the kernel is loaded into later.
setenv state_at ${kernel_addr_r}
setenv BOOT_ORDER "A B"
setenv BOOT_A_LEFT 3
setenv BOOT_B_LEFT 0
setenv state_is_read
for block in ${state_block} ${state_copy}; do
  if test -z "${state_is_read}"; then
    if ${devtype} read ${state_at} ${block} 1; then
      if env import -c ${state_at} 0x200 BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT; then
        setenv state_is_read yes
      fi
    fi
  fi
done

setenv save_state 'mw.b ${state_at} 0 0x200; env export -c -s 0x200 ${state_at} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT; ${devtype} write ${state_at} ${state_block} 1; ${devtype} write ${state_at} ${state_copy} 1'

if test -n "${fdt_addr}"; then setenv tree ${fdt_addr}; else setenv tree ${fdtcontroladdr}; fi

for slot in ${BOOT_ORDER}; do
  setenv boot_part
  if test "${slot}" = A -a ${BOOT_A_LEFT} -gt 0; then
    setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1
    setenv boot_part 2
    setenv root_part 4
  fi
  if test "${slot}" = B -a ${BOOT_B_LEFT} -gt 0; then
    setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1
    setenv boot_part 3
    setenv root_part 5
  fi
  if test -n "${boot_part}"; then
    run save_state
    echo "starting slot ${slot}"
    part uuid ${devtype} ${devnum}:${root_part} root_uuid
    setenv cmdline
    if load ${devtype} ${devnum}:${boot_part} ${state_at} cmdline.env; then env import -t ${state_at} ${filesize} cmdline; fi
    setenv bootargs "${cmdline} root=PARTUUID=${root_uuid} rootfstype=erofs ro rauc.slot=${slot}"
    if load ${devtype} ${devnum}:${boot_part} ${kernel_addr_r} Image; then
      if load ${devtype} ${devnum}:${boot_part} ${ramdisk_addr_r} initrd; then
        booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${tree}
      else
        booti ${kernel_addr_r} - ${tree}
      fi
    fi
    echo "slot ${slot} cannot be started"
  fi
done

echo "no slot has tries left; both get theirs back"
setenv BOOT_A_LEFT 3
setenv BOOT_B_LEFT 3
run save_state
sleep 2
reset
