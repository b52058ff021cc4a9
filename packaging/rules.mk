# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is installed where, and packages made of it; included by the Makefile.

# A file that names the folder of the programs, for the folder where they are installed.
installed = sed -e 's|/usr/local/lib/kjump|$(PREFIX)/lib/kjump|g' \
	-e 's|/usr/local/bin/kjump|$(PREFIX)/bin/kjump|g' $(1)

install: install-files initramfs
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/lib/kjump" $(BUILD)/initramfs.img
	$(if $(DESTDIR),,-"$(PREFIX)/lib/kjump/update-initramfs")
	$(if $(DESTDIR),,-[ ! -d /run/systemd/system ] || \
		{ systemctl daemon-reload && systemctl start kjump-unload.service; })
	$(if $(DESTDIR),,-! command -v journalctl > /dev/null || journalctl --update-catalog)

# Debian's packages have vendor-completions here.
ZSH_FUNCTIONS ?= site-functions

# What goes into packages: all but what is made on the machine itself.
install-files: all
	install -D -m 755 -t "$(DESTDIR)$(PREFIX)/bin" $(BUILD)/kjump
	install -D -m 755 -t "$(DESTDIR)$(PREFIX)/lib/kjump" initramfs/modules initramfs/init
	install -m 755 initramfs/build "$(DESTDIR)$(PREFIX)/lib/kjump/build-initramfs"
	install -m 755 initramfs/update "$(DESTDIR)$(PREFIX)/lib/kjump/update-initramfs"
	install -s --strip-program=$(STRIP) -m 755 -t "$(DESTDIR)$(PREFIX)/lib/kjump" \
		$(BUILD)/kjump-write $(BUILD)/kjump-restore $(BUILD)/kjump-back
	install -m 644 -t "$(DESTDIR)$(PREFIX)/lib/kjump" $(wildcard boot/kjump-*.sh)
	$(call install_script,$(PREFIX)/lib/systemd/system/kjump-boot-on.service,\
		boot/kjump-boot-on.service,644)
	$(call install_script,$(PREFIX)/lib/systemd/system/kjump-load.service,systemd/kjump-load.service,644)
	$(call install_script,$(PREFIX)/lib/systemd/system/kjump-checkpoint.service,\
		systemd/kjump-checkpoint.service,644)
	$(call install_script,$(PREFIX)/lib/systemd/system/kjump-checkpoint.timer,\
		systemd/kjump-checkpoint.timer,644)
	$(call install_script,$(PREFIX)/lib/systemd/system/kjump-unload.service,\
		systemd/kjump-unload.service,644)
	$(call install_script,$(PREFIX)/lib/systemd/system/kjump-history.service,\
		systemd/kjump-history.service,644)
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/lib/systemd/catalog" systemd/kjump.catalog
	$(call install_script,$(PREFIX)/lib/systemd/system-generators/kjump-generator,\
		systemd/kjump-generator)
	$(call install_script,$(PREFIX)/lib/kjump/sleep,systemd/sleep)
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/share/doc/kjump" packaging/kjump.conf
	install -D -m 644 $(BUILD)/completion/bash \
		"$(DESTDIR)$(PREFIX)/share/bash-completion/completions/kjump"
	install -D -m 644 $(BUILD)/completion/zsh "$(DESTDIR)$(PREFIX)/share/zsh/$(ZSH_FUNCTIONS)/_kjump"
	install -D -m 644 $(BUILD)/completion/fish \
		"$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/kjump.fish"
	for section in 5 7 8; do install -D -m 644 -t "$(DESTDIR)$(PREFIX)/share/man/man$$section" \
		man/*.$$section; done

# Whatever the targets above and below put somewhere, and what was made from it; not the configuration.
# They are asked where that is, so that there is no second list.
INSTALLED := $(BUILD)/uninstall
# But for what setup could not take back, and files that were claimed for images.
STATE      = $(DESTDIR)/var/lib/kjump
uninstall:
	@program="$(DESTDIR)$(PREFIX)/bin/kjump"; [ ! -e "$$program" ] || [ -w "$${program%/*}" ] || \
		{ echo "make: $$program: you may not remove it; nothing was changed" >&2; exit 1; }
	@rm -rf $(INSTALLED)
	@$(if $(DESTDIR),:,[ ! -x "$(PREFIX)/bin/kjump" ] || "$(PREFIX)/bin/kjump" setup --undo --yes || \
		echo "$(STATE)/setup stays: do by hand what is said above, or install kjump again for" \
		"another 'kjump setup --undo'" >&2)
	@$(MAKE) -s --no-print-directory install install-dracut install-initramfs-tools \
		install-mkinitcpio install-dkms DESTDIR=$(INSTALLED)
	$(if $(DESTDIR),,-systemctl disable -q kjump-boot-on.service kjump-load.service \
		kjump-checkpoint.timer 2> /dev/null)
	$(if $(DESTDIR),,-[ ! -d /run/systemd/system ] || systemctl stop kjump-checkpoint.timer)
	$(if $(DESTDIR),,-[ ! -d /run/systemd/system ] || systemctl stop kjump-unload.service)
	$(if $(DESTDIR),,-command -v dkms > /dev/null && dkms remove kjump/$(version) --all)
	@find $(INSTALLED) -type f -printf '%P\n' | while IFS= read -r file; do \
		rm -f "$(DESTDIR)/$$file"; done
	@find $(INSTALLED) -depth -type d -name '*kjump*' -printf '%P\n' | while IFS= read -r folder; do \
		rmdir "$(DESTDIR)/$$folder" 2> /dev/null; done; true
	@[ -e "$(STATE)/setup/journal" ] || rm -rf "$(STATE)/setup"
	@find "$(STATE)" -mindepth 1 -maxdepth 1 ! -name setup -exec rm -rf {} + 2> /dev/null; \
		rmdir "$(STATE)" 2> /dev/null; true
	@for module in "$(DESTDIR)"/lib/modules/*/updates/kjump.ko; do \
		[ -e "$$module" ] || continue; rm "$$module"; release=$${module%/updates/*}; \
		[ -n "$(DESTDIR)" ] || depmod "$${release##*/}"; done
	@rm -rf $(INSTALLED)
	$(if $(DESTDIR),,-[ ! -d /run/systemd/system ] || systemctl daemon-reload)
	$(if $(DESTDIR),,-! command -v journalctl > /dev/null || journalctl --update-catalog)
	@echo "make the system's initramfs anew as well: what restores at boot is still in it"

version = $(shell sed -n 's/.*KJUMP_VERSION "\(.*\)"/\1/p' common/version.h)

# For one kernel: the running one, or that of KERNEL or KERNELDIR.
install-module: module
	install -D -m 644 -t "$(DESTDIR)/lib/modules/$(module_release)/updates" \
		$(module_folder)/kjump.ko
	$(if $(DESTDIR),,depmod $(module_release))
	$(if $(DESTDIR),,-[ ! -x "$(PREFIX)/lib/kjump/update-initramfs" ] || \
		"$(PREFIX)/lib/kjump/update-initramfs" $(module_release))

# For each kernel that is and will be installed; needs dkms.
install-dkms:
	install -D -m 644 -t "$(DESTDIR)/usr/src/kjump-$(version)" $(MODULE_SOURCES)
	sed -i 's/@VERSION@/$(version)/' "$(DESTDIR)/usr/src/kjump-$(version)/dkms.conf"
	$(if $(DESTDIR),,dkms install kjump/$(version))
	$(if $(DESTDIR),,-[ ! -x "$(PREFIX)/lib/kjump/update-initramfs" ] || \
		"$(PREFIX)/lib/kjump/update-initramfs")

# A file of FOLDER/NAME made from SOURCE, to be run.
define install_script
	install -d "$(DESTDIR)$(dir $(1))"
	$(call installed,$(2)) > "$(DESTDIR)$(1)"
	chmod $(or $(3),755) "$(DESTDIR)$(1)"
endef

# What keeps kernel B's initramfs right after updates of the kernel.
define kernel_hooks
	$(call install_script,/etc/kernel/postinst.d/kjump,boot/kernel/postinst)
	$(call install_script,/etc/kernel/postrm.d/kjump,boot/kernel/postrm)
	$(call install_script,/usr/lib/kernel/install.d/60-kjump.install,boot/kernel/60-kjump.install)
endef

# What restores at boot, into the folders where the builder of the initramfs looks; these are outside
# PREFIX, which is where their parts come from when an initramfs is built.
DRACUT_MODULES := $(shell pkg-config --variable=dracutmodulesdir dracut 2>/dev/null)
DRACUT_MODULES := $(or $(DRACUT_MODULES),/usr/lib/dracut/modules.d)

install-dracut:
	$(call install_script,$(DRACUT_MODULES)/50kjump/module-setup.sh,dracut-module/50kjump/module-setup.sh)
	$(call install_script,$(DRACUT_MODULES)/50kjump-writer/module-setup.sh,\
		dracut-module/50kjump-writer/module-setup.sh)
	$(kernel_hooks)
	install -m 644 -t "$(DESTDIR)$(DRACUT_MODULES)/50kjump" boot/kjump-*.sh
	install -m 755 -t "$(DESTDIR)$(DRACUT_MODULES)/50kjump" boot/dracut/kjump-*.sh initramfs/modules
	install -m 755 -t "$(DESTDIR)$(DRACUT_MODULES)/50kjump-writer" initramfs/init initramfs/modules

INITRAMFS_TOOLS := /usr/share/initramfs-tools
install-initramfs-tools:
	$(kernel_hooks)
	$(call install_script,$(INITRAMFS_TOOLS)/hooks/kjump,boot/initramfs-tools/hook)
	install -D -m 755 boot/initramfs-tools/init-top \
		"$(DESTDIR)$(INITRAMFS_TOOLS)/scripts/init-top/kjump"
	install -D -m 755 boot/initramfs-tools/premount \
		"$(DESTDIR)$(INITRAMFS_TOOLS)/scripts/local-premount/kjump"
	install -D -m 755 boot/initramfs-tools/premount \
		"$(DESTDIR)$(INITRAMFS_TOOLS)/scripts/nfs-premount/kjump"

install-mkinitcpio:
	$(call install_script,/usr/share/libalpm/hooks/95-kjump.hook,boot/kernel/95-kjump.hook,644)
	$(call install_script,/usr/lib/initcpio/install/kjump,boot/mkinitcpio/install/kjump,644)
	install -D -m 644 boot/mkinitcpio/hooks/kjump "$(DESTDIR)/usr/lib/initcpio/hooks/kjump"
	install -D -m 644 -t "$(DESTDIR)/usr/lib/systemd/system" boot/mkinitcpio/kjump-*.service

# --- packages -------------------------------------------------------------------------------------

# Their version; that of the programs by default.
PACKAGE_VERSION ?= $(version)
# A copy of the sources, in which packages are built: nothing is changed here.
packed = $(BUILD)/$(1)/kjump-$(PACKAGE_VERSION)
define copy_sources
	rm -rf $(BUILD)/$(1)
	mkdir -p $(packed)
	tar -c --exclude=./$(BUILD) --exclude=./.git --exclude=__pycache__ . | tar -x -C $(packed)
endef
define tarball
	$(call copy_sources,$(1))
	tar -C $(BUILD)/$(1) -czf $(call packed,$(1)).tar.gz kjump-$(PACKAGE_VERSION)
	rm -rf $(call packed,$(1))
endef

# Their version in /usr/src and in the packages' names is that of the programs. Whether all is there
# that the build needs, the build says: the names of packages are Fedora's.
rpm:
	$(call tarball,rpm)
	rpmbuild --quiet -bb --nodeps \
		--define '__brp_compress /bin/bash %{_rpmconfigdir}/brp-compress' \
		--define '_topdir $(CURDIR)/$(BUILD)/rpm' \
		--define '_sourcedir $(CURDIR)/$(BUILD)/rpm' --define 'kjump_version $(PACKAGE_VERSION)' \
		packaging/kjump.spec
	mv $(BUILD)/rpm/RPMS/*/*.rpm $(BUILD)/rpm/
	rm -rf $(addprefix $(BUILD)/rpm/,BUILD BUILDROOT RPMS SRPMS SPECS SOURCES)

# For makepkg, in $(BUILD)/arch.
pkgbuild:
	$(call tarball,arch)
	sed -e 's/@VERSION@/$(PACKAGE_VERSION)/' \
		-e "s/@SUM@/$$(sha256sum < $(call packed,arch).tar.gz | cut -d' ' -f1)/" \
		packaging/PKGBUILD > $(BUILD)/arch/PKGBUILD

deb:
	$(call copy_sources,deb)
	cp -r packaging/debian $(call packed,deb)/debian
	sed -i 's/@VERSION@/$(PACKAGE_VERSION)/' $(call packed,deb)/debian/changelog
	cd $(call packed,deb) && env -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -b -us -uc
	rm -rf $(call packed,deb)

# Takes root: Debian 12 and 13 are installed into folders for it, and then the packages into them.
check-packaging: deps
	@scripts/deps $(PACKAGE_TOOLS)
	@$(MAKE) --no-print-directory deb rpm pkgbuild
	tests/package/others $(BUILD)/rpm $(BUILD)/arch
	tests/package/rpm-life $(BUILD)/rpm bookworm
	tests/package/rpm-life $(BUILD)/rpm trixie
	tests/package/run $(BUILD)/deb bookworm trixie
	tests/package/setup bookworm trixie
	tests/package/source bookworm

PACKAGE_TOOLS := debhelper debootstrap dh-dkms fakeroot libarchive-tools lintian makepkg pkgconf rpm

.PHONY: check-packaging deb install install-dkms install-dracut install-files install-initramfs-tools \
	install-mkinitcpio install-module pkgbuild rpm uninstall
