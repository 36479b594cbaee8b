// SPDX-License-Identifier: MIT

import { type ComponentProps, type ReactNode, useEffect, useId, useRef } from 'react';
import { createPortal } from 'react-dom';
import { CloseIcon, WarningIcon } from './icons.tsx';

type Look = 'primary' | 'default' | 'quiet' | 'danger';

/** A button. While `busy` it keeps its place and the focus, and ignores clicks. */
export function Button(
  props: Omit<ComponentProps<'button'>, 'disabled'> & { look?: Look; busy?: boolean },
): ReactNode {
  const { look = 'default', busy = false, className = '', onClick, ...rest } = props;
  return (
    <button
      type="button"
      {...rest}
      className={`button ${className}`}
      data-look={look}
      aria-disabled={busy || undefined}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}
    />
  );
}

/** A button that shows an icon alone. */
export function IconButton(props: ComponentProps<'button'> & { label: string }): ReactNode {
  const { label, className = '', ...rest } = props;
  return (
    <button
      type="button"
      {...rest}
      className={`icon-button ${className}`}
      aria-label={label}
      title={label}
    />
  );
}

export function Alert(props: {
  tone: 'danger' | 'warning' | 'info';
  title?: string;
  role?: 'alert' | 'status';
  onDismiss?: () => void;
  children: ReactNode;
}): ReactNode {
  const { tone, title, role = 'alert', onDismiss, children } = props;
  return (
    <div className="alert" data-tone={tone} role={role}>
      <WarningIcon />
      <div className="alert-text">
        {title !== undefined && <strong>{title}</strong>}
        <div>{children}</div>
      </div>
      {onDismiss && (
        <IconButton label="Dismiss" onClick={onDismiss}>
          <CloseIcon />
        </IconButton>
      )}
    </div>
  );
}

/** A modal dialog: the browser keeps the focus in it and gives it back. */
export function Dialog(props: {
  title: string;
  opened: boolean;
  onClose: () => void;
  children: ReactNode;
}): ReactNode {
  const { title, opened, onClose, children } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const element = dialog.current;
    if (element === null || element.open === opened) return;
    if (opened) element.showModal();
    else element.close();
  }, [opened]);
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={titleId} onClose={onClose}>
      <div className="dialog-head">
        <h2 id={titleId}>{title}</h2>
        <IconButton label="Close" onClick={onClose}>
          <CloseIcon />
        </IconButton>
      </div>
      {opened && children}
    </dialog>
  );
}

/** A labelled control. `children` gets the id that the label points to. */
export function Field(props: { label: string; children: (id: string) => ReactNode }): ReactNode {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      {props.children(id)}
    </div>
  );
}

/**
 * Floats over the page's content. In the content itself, for the regions of screen readers, and not where it is
 * rendered: a container of container queries would catch what is fixed.
 */
export function Floating(props: { children: ReactNode }): ReactNode {
  const content = document.getElementById('content');
  return content && createPortal(props.children, content);
}

export function Skeleton(props: { rows: number; height?: number }): ReactNode {
  const rows = Array.from({ length: props.rows }, (_, index) => index);
  return (
    <div className="loading" role="status" aria-label="Loading">
      {rows.map((row) => (
        <span key={row} className="skeleton" style={{ height: props.height ?? 24 }} />
      ))}
    </div>
  );
}
