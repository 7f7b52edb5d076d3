"""A copy of parts of the tree, brought up to date by what files hold: their times may go back (another branch)."""
import filecmp, os, shutil

def update(names, to):
    """Each name, file or folder, as it is here; what differs there gets a new time, so that make sees it."""
    for name in names:
        for folder, _, files in os.walk(name) if os.path.isdir(name) else [(os.path.dirname(name), [], [os.path.basename(name)])]:
            os.makedirs(os.path.join(to, folder), exist_ok=True)
            for f in files:
                path = os.path.join(folder, f)
                there = os.path.join(to, path)
                if os.path.islink(path):	# may lead to where it will be in the guest
                    if not os.path.lexists(there):
                        os.symlink(os.readlink(path), there)
                    continue
                if not os.path.exists(there):
                    shutil.copy2(path, there)
                elif not filecmp.cmp(path, there, shallow=False):
                    shutil.copy(path, there)
