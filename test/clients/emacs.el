;;; A debug session as a user of Emacs has it, by dap-mode's own commands.  -*- lexical-binding: t -*-

;; emacs --batch -l test/clients/emacs.el ADAPTER SCENARIO LINE
;; Prints what there was to see, one thing in a line; ends with status 1 when something does not come.

(require 'dap-mode)
(require 'dap-ui)

(defvar dap-exception-breakpoints nil)
(defvar patience 20 "Seconds to wait for anything at most.")

(defun await (what ready)
  "Handle messages until READY returns something, and return that.  WHAT is told when it does not come."
  (let ((end (+ (float-time) patience)) result)
    (while (not (setq result (funcall ready)))
      (when (> (float-time) end)
        (princ (format "error: %s did not come\n" what))
        (kill-emacs 1))
      (accept-process-output nil 0.05))
    result))

(defun say (format-string &rest args)
  (princ (concat (apply #'format format-string args) "\n")))

(defun session () (dap--cur-session))
(defun ask (command &rest args) (apply #'dap-request (session) command args))

(defun await-stop ()
  "Wait until dap-mode shows where the scenario has stopped, and say where that is."
  (let* ((frame (await "a stop" (lambda () (dap--debug-session-active-frame (session)))))
         (path (gethash "path" (gethash "source" frame))))
    (say "stopped in %s, %s" (gethash "name" frame)
         (if (string-suffix-p ".lockstep" path)
             (format "%s line %s" (file-name-nondirectory path) (gethash "line" frame))
           "a kernel function"))))

(defun say-local (name)
  "Say the value of the local NAME of the frame that is shown."
  (let* ((frame (dap--debug-session-active-frame (session)))
         (scopes (gethash "scopes" (ask "scopes" :frameId (gethash "id" frame))))
         (scope (seq-find (lambda (s) (equal "Locals" (gethash "name" s))) scopes))
         (rows (gethash "variables" (ask "variables" :variablesReference (gethash "variablesReference" scope))))
         (row (seq-find (lambda (r) (equal name (gethash "name" r))) rows)))
    (say "%s = %s" name (if row (string-trim (gethash "value" row) "\"" "\"") "nothing"))))

(defun say-value (expression)
  "Say what EXPRESSION is in the frame that is shown."
  (let ((frame (dap--debug-session-active-frame (session))))
    (say "%s = %s" expression
         (gethash "result" (ask "evaluate" :expression expression :context "watch"
                                :frameId (gethash "id" frame))))))

(pcase-let ((`(,adapter ,scenario ,line) command-line-args-left))
  (setq command-line-args-left nil)
  (dap-register-debug-provider
   "lockstep"
   (lambda (conf)
     (plist-put conf :dap-server-path (list "node" adapter "dap"))))
  (find-file scenario)
  (goto-char (point-min))
  (forward-line (1- (string-to-number line)))
  (dap-breakpoint-add)
  (dap-debug (list :type "lockstep" :request "launch" :name "Lockstep" :program scenario))
  (await-stop)
  (say "Emacs shows line %s" (line-number-at-pos))
  (dap-next (session))
  (await-stop)
  (say-local "seen")
  (dap-step-in (session))
  (await-stop)
  (say-local "vpn")
  (say-local "gpa")
  (say-value "vm.arch.n_used_mmu_pages")
  (dap-step-out (session))
  (await-stop)
  (say-local "seen")
  (dap-continue (session) (dap--debug-session-thread-id (session)))
  (await "the end" (lambda () (not (dap--session-running (session)))))
  (with-current-buffer (dap--debug-session-output-buffer (session))
    (princ (buffer-string)))
  (say "the session is over"))
